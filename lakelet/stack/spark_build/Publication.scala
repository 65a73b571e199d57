package lakelet.publish

import java.io.IOException
import java.net.URI
import java.net.http.{HttpClient, HttpRequest, HttpResponse}
import java.nio.file.{Files, Path => File}
import java.util.{ConcurrentModificationException, UUID}

import scala.annotation.tailrec
import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.Path

/** An open publish, as etl/publishing.py has it: nothing of it is visible until it is committed. */
private class Publication(control: Control, request: Map[String, Any], root: URI) {
  private var begun = control.call("POST", "publishes", request) // asked again, it is the same publish
  private val id = begun.get("publish_id").asText

  /** The folder, ending in `/`, that tasks write to. */
  val staging: String = s"${new Path(root.toString, new URI(begun.get("staging").asText).getPath)}/"

  /** Add (staged key, final key) and remove keys, all at once. What replaces nothing goes on when somebody else has
    * published there meanwhile: rows that are added take nothing from theirs.
    */
  @tailrec
  final def commit(added: Seq[(String, String)], removed: Seq[String], replaces: Boolean): Unit = {
    val moves = added.map { case (source, target) => Map("source" -> source, "target" -> target).asJava }.asJava
    val body = Map[String, Any]("add" -> moves, "remove" -> removed.asJava, "sequence" -> begun.get("sequence").asLong)
    val done =
      try { control.call("POST", s"publishes/$id/commit", body); true }
      catch { case _: ConcurrentModificationException if !replaces => false }
    if (!done) {
      begun = control.call("POST", "publishes", request)
      commit(added, removed, replaces)
    }
  }

  def abort(): Unit = control.call("DELETE", s"publishes/$id", Map.empty)
}

private object Publication {
  private def name() = UUID.randomUUID().toString.replace("-", "")
  private val own = s"interactive-${name()}" // a notebook's or a shell's

  def begin(conf: Configuration, location: Path): Publication = {
    val run = conf.get("lakelet.run_id", own)
    val request = Map("run_id" -> run, "location" -> s"${location.toString.stripSuffix("/")}/", "token" -> name())
    new Publication(new Control(conf), request, location.getFileSystem(conf).getUri)
  }
}

/** The control process's own API, as workspace/control.py calls it. While it is being restarted it is waited for: all
  * that is asked here may be asked again.
  */
private class Control(conf: Configuration) {
  private val json = new ObjectMapper
  private val state = File.of(conf.get("lakelet.state"))

  def call(method: String, path: String, body: Map[String, Any]): JsonNode = {
    val token = Files.readString(state.resolve("secrets/control_token")).trim
    val address = json.readTree(state.resolve("endpoints.json").toFile).get("control").asText
    val request = HttpRequest
      .newBuilder(URI.create(s"$address/_lakelet/$path"))
      .header("Authorization", s"Bearer $token")
      .header("Content-Type", "application/json")
      .method(method, HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(body.asJava)))
      .build()
    val answer = sent(request, System.nanoTime + 60L * 1000 * 1000 * 1000)
    val found = json.readTree(answer.body)
    if (answer.statusCode < 400) found
    else {
      val message = Option(found.get("message")).fold(s"HTTP ${answer.statusCode}")(_.asText)
      if (Option(found.get("error")).exists(_.asText == "ConcurrentModificationException"))
        throw new ConcurrentModificationException(message)
      throw new IOException(message)
    }
  }

  private def sent(request: HttpRequest, deadline: Long): HttpResponse[String] =
    try Control.client.send(request, HttpResponse.BodyHandlers.ofString())
    catch {
      case _: IOException if System.nanoTime < deadline =>
        Thread.sleep(200)
        sent(request, deadline)
      case error: IOException =>
        val where = request.uri.getAuthority
        throw new IOException(s"The control process at $where does not answer: see `lakelet status`.", error)
    }
}

private object Control {
  private lazy val client =
    HttpClient.newBuilder.version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build()
}
