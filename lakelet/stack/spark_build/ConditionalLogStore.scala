package lakelet.delta

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.FileAlreadyExistsException

import io.delta.storage.S3SingleDriverLogStore
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.Path
import org.apache.hadoop.fs.s3a.RemoteFileChangedException

/** Delta's log on S3 for any number of drivers: a commit is put with If-None-Match, so that of two of one version,
  * whoever makes them, the second is told that it is taken, and Delta tries the next version.
  */
class ConditionalLogStore(initial: Configuration) extends S3SingleDriverLogStore(initial) {

  override def write(
      path: Path, actions: java.util.Iterator[String], overwrite: java.lang.Boolean, conf: Configuration): Unit =
    if (overwrite) super.write(path, actions, overwrite, conf)
    else
      try {
        val file = path.getFileSystem(conf).createFile(path)
        val out = file.must("fs.option.create.conditional.overwrite", true).build()
        try actions.forEachRemaining(action => out.write(s"$action\n".getBytes(UTF_8)))
        catch { case error: Throwable => out.abort(); throw error } // closing it would be a commit of a part
        out.close()
      } catch { case _: RemoteFileChangedException => throw new FileAlreadyExistsException(path.toString) }
}
