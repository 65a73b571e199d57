package lakelet.access

import jakarta.servlet.{Filter, FilterChain, FilterConfig, ServletRequest, ServletResponse}
import jakarta.servlet.http.{HttpServletRequest, HttpServletResponse}

/** `spark.ui.filters`: keeps web pages of other sites from Spark's UIs and their REST APIs.
  *
  * What changes something (Spark serves its kill links by GET, too) must come from a page of that UI.
  */
class LoopbackFilter extends Filter {
  override def init(config: FilterConfig): Unit = ()

  override def destroy(): Unit = ()

  override def doFilter(request: ServletRequest, response: ServletResponse, chain: FilterChain): Unit = {
    val (http, answer) = (request.asInstanceOf[HttpServletRequest], response.asInstanceOf[HttpServletResponse])
    refusal(http) match {
      case null => chain.doFilter(request, response)
      case sentence =>
        answer.setStatus(HttpServletResponse.SC_FORBIDDEN)
        answer.setContentType("text/plain; charset=utf-8")
        answer.getWriter.println(sentence)
    }
  }

  private def refusal(request: HttpServletRequest): String = {
    val (host, origin) = (request.getHeader("Host"), request.getHeader("Origin"))
    val foreign = Loopback.refusal(
      count(request, "Host"), host, count(request, "Origin"), origin,
      request.getHeader("Sec-Fetch-Site"), request.getHeader("Sec-Fetch-Mode"))
    if (foreign != null) foreign
    else if (changes(request) && origin == null && !Loopback.sameOrigin(host, request.getHeader("Referer")))
      s"A request that changes something must come from a page of this UI: send the header 'Origin: http://$host'."
    else null
  }

  private def changes(request: HttpServletRequest): Boolean =
    !Set("GET", "HEAD", "OPTIONS")(request.getMethod) || request.getRequestURI.toLowerCase.contains("kill")

  private def count(request: HttpServletRequest, name: String): Int = {
    val values = request.getHeaders(name)
    var number = 0
    while (values.hasMoreElements) { values.nextElement(); number += 1 }
    number
  }
}
