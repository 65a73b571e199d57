package lakelet.access

/** Which HTTP requests a web page of another site may have caused (docs/adr/0037).
  *
  * A page that rebinds its own DNS name to 127.0.0.1 sends that name as the Host; a page that posts a form, or opens a
  * socket, sends its own Origin.
  */
object Loopback {
  private val Host = """(?i)(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?""".r

  /** Why the request is refused, in one sentence, or null when it is not. */
  def refusal(hosts: Int, host: String, origins: Int, origin: String, site: String, mode: String): String =
    if (hosts != 1 || host == null || !Host.matches(host))
      "The Host of this request is not a loopback name: use 127.0.0.1 or localhost."
    else if (origins > 1 || (origin != null && !sameOrigin(host, origin)))
      "This request comes from a web page of another origin."
    else if ("cross-site".equalsIgnoreCase(site) && !"navigate".equalsIgnoreCase(mode))
      "This request comes from a web page of another site."
    else null

  /** Whether an Origin, or the beginning of a Referer, is the page of this very Host. */
  def sameOrigin(host: String, address: String): Boolean = {
    val own = s"http://$host"
    address != null && (address.equalsIgnoreCase(own) || address.toLowerCase.startsWith(s"$own/".toLowerCase))
  }
}
