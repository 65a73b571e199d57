package lakelet.access

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}
import java.security.MessageDigest
import java.util.Base64
import java.util.function.UnaryOperator

import org.opensearch.common.settings.Settings
import org.opensearch.common.util.concurrent.ThreadContext
import org.opensearch.core.rest.RestStatus
import org.opensearch.plugins.{ActionPlugin, Plugin}
import org.opensearch.rest.{BytesRestResponse, RestChannel, RestHandler, RestRequest}
import org.opensearch.transport.client.node.NodeClient

/** Every REST request needs a loopback Host, no foreign Origin, and the password of this workspace (docs/adr/0037). */
class AccessPlugin(settings: Settings, config: Path) extends Plugin with ActionPlugin {
  // `user:password` in a 0600 file that `lakelet up` leaves beside opensearch.yml. A missing file ends the node.
  private val credentials = Files.readAllBytes(config.resolve("lakelet-credentials"))

  override def getRestHandlerWrapper(context: ThreadContext): UnaryOperator[RestHandler] =
    (handler: RestHandler) => new Guarded(handler, credentials)
}

private class Guarded(handler: RestHandler, credentials: Array[Byte]) extends RestHandler.Wrapper(handler) {
  override def handleRequest(request: RestRequest, channel: RestChannel, client: NodeClient): Unit = {
    val (hosts, host) = header(request, "Host")
    val (origins, origin) = header(request, "Origin")
    val foreign = Loopback.refusal(
      hosts, host, origins, origin, header(request, "Sec-Fetch-Site")._2, header(request, "Sec-Fetch-Mode")._2)
    if (foreign != null) channel.sendResponse(refused(RestStatus.FORBIDDEN, foreign))
    else if (!authenticated(header(request, "Authorization")._2)) {
      val answer = refused(
        RestStatus.UNAUTHORIZED,
        "OpenSearch needs Lakelet's user and password (HTTP Basic): `lakelet env` prints LAKELET_OPENSEARCH_URL, " +
          "which carries both.")
      answer.addHeader("WWW-Authenticate", "Basic realm=\"Lakelet\", charset=\"UTF-8\"")
      channel.sendResponse(answer)
    } else super.handleRequest(request, channel, client)
  }

  private def header(request: RestRequest, name: String): (Int, String) = {
    val values = request.getAllHeaderValues(name)
    if (values == null || values.isEmpty) (0, null) else (values.size, values.get(0))
  }

  private def authenticated(header: String): Boolean =
    header != null && header.regionMatches(true, 0, "Basic ", 0, 6) && {
      try MessageDigest.isEqual(Base64.getDecoder.decode(header.substring(6).trim.getBytes(UTF_8)), credentials)
      catch { case _: IllegalArgumentException => false }
    }

  private def refused(status: RestStatus, sentence: String): BytesRestResponse = {
    val cause = s"""{"type":"security_exception","reason":"${sentence.replace("\"", "\\\"")}"}"""
    val body = s"""{"error":{"root_cause":[$cause],${cause.substring(1)},"status":${status.getStatus}}"""
    new BytesRestResponse(status, "application/json", body)
  }
}
