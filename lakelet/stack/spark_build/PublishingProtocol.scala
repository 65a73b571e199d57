package lakelet.publish

import java.io.IOException

import scala.collection.mutable

import org.apache.hadoop.fs.{FileSystem, Path}
import org.apache.hadoop.mapreduce.{JobContext, TaskAttemptContext}
import org.apache.spark.internal.io.FileCommitProtocol.TaskCommitMessage
import org.apache.spark.internal.io.{FileCommitProtocol, FileNameSpec}
import org.apache.spark.internal.io.cloud.PathOutputCommitProtocol

/** How Spark commits what it writes to files, by SQL as by DataFrames: on S3 by a publish, elsewhere as Spark does, and
  * so in the staging of a publish that is another's, and where Hive stages what it moves itself.
  */
class PublishingProtocol(jobId: String, path: String, dynamic: Boolean) extends FileCommitProtocol with Serializable {

  private val own = path.matches("s3[an]?://.*") && !Seq("/.lakelet/staging/", "/.hive-staging").exists(path.contains)
  private val real: FileCommitProtocol =
    if (own) new Publish(jobId, path, dynamic) else new PathOutputCommitProtocol(jobId, path, dynamic)

  override def setupJob(job: JobContext): Unit = real.setupJob(job)
  override def commitJob(job: JobContext, tasks: Seq[TaskCommitMessage]): Unit = real.commitJob(job, tasks)
  override def abortJob(job: JobContext): Unit = real.abortJob(job)
  override def setupTask(task: TaskAttemptContext): Unit = real.setupTask(task)
  override def newTaskTempFile(task: TaskAttemptContext, dir: Option[String], ext: String): String =
    real.newTaskTempFile(task, dir, ext)
  override def newTaskTempFile(task: TaskAttemptContext, dir: Option[String], name: FileNameSpec): String =
    real.newTaskTempFile(task, dir, name)
  override def newTaskTempFileAbsPath(task: TaskAttemptContext, dir: String, ext: String): String =
    real.newTaskTempFileAbsPath(task, dir, ext)
  override def newTaskTempFileAbsPath(task: TaskAttemptContext, dir: String, name: FileNameSpec): String =
    real.newTaskTempFileAbsPath(task, dir, name)
  override def commitTask(task: TaskAttemptContext): TaskCommitMessage = real.commitTask(task)
  override def abortTask(task: TaskAttemptContext): Unit = real.abortTask(task)
  override def onTaskCommit(committed: TaskCommitMessage): Unit = real.onTaskCommit(committed)
  override def deleteWithJob(files: FileSystem, doomed: Path, recursive: Boolean): Boolean =
    real.deleteWithJob(files, doomed, recursive)
}

/** Of one task's attempt that counts: from staged file to what it will be, below the location and in partitions that
  * lie somewhere else.
  */
private case class Staged(inside: Map[String, String], elsewhere: Map[String, String])

/** A publish to a folder: tasks write to its staging, and one commit adds what they wrote and removes what it replaces.
  * An attempt's files are known by its message alone, so that of two attempts at a task one counts.
  *
  * Partitions that lie outside of the folder are no part of the commit. They follow it by renames, as Spark has it.
  */
private class Publish(jobId: String, path: String, dynamic: Boolean) extends FileCommitProtocol with Serializable {

  private val root = new Path(path)
  private val outside = new Path(root, s".spark-staging-$jobId") // Spark's name for it
  private var staging = "" // tasks are told
  @transient private var publication: Publication = _
  @transient private lazy val doomed = mutable.LinkedHashSet.empty[Path]
  @transient private var inside: mutable.Map[String, String] = _
  @transient private var elsewhere: mutable.Map[String, String] = _

  override def setupJob(job: JobContext): Unit = {
    publication = Publication.begin(job.getConfiguration, root)
    staging = publication.staging
  }

  override def setupTask(task: TaskAttemptContext): Unit = {
    inside = mutable.Map.empty
    elsewhere = mutable.Map.empty
  }

  override def newTaskTempFile(task: TaskAttemptContext, dir: Option[String], ext: String): String =
    newTaskTempFile(task, dir, FileNameSpec("", ext))

  override def newTaskTempFile(task: TaskAttemptContext, dir: Option[String], name: FileNameSpec): String = {
    val relative = (dir.toSeq :+ nameOf(task, name)).mkString("/")
    val staged = s"${folder(task)}/$relative"
    inside(staged) = relative
    staged
  }

  override def newTaskTempFileAbsPath(task: TaskAttemptContext, dir: String, ext: String): String =
    newTaskTempFileAbsPath(task, dir, FileNameSpec("", ext))

  override def newTaskTempFileAbsPath(task: TaskAttemptContext, dir: String, name: FileNameSpec): String = {
    if (new Path(dir).toUri.getAuthority != root.toUri.getAuthority)
      throw new IOException(s"$dir is in another bucket than $root: Spark can move nothing there.")
    val file = nameOf(task, name)
    val staged = s"$outside/${task.getTaskAttemptID}/${elsewhere.size}/$file"
    elsewhere(staged) = new Path(dir, file).toString
    staged
  }

  override def commitTask(task: TaskAttemptContext): TaskCommitMessage =
    new TaskCommitMessage(Staged(inside.toMap, elsewhere.toMap))

  override def abortTask(task: TaskAttemptContext): Unit = {
    val left = new Path(folder(task))
    left.getFileSystem(task.getConfiguration).delete(left, true)
  }

  /** Nothing is deleted before the commit. */
  override def deleteWithJob(files: FileSystem, path: Path, recursive: Boolean): Boolean = {
    doomed += path
    true
  }

  override def commitJob(job: JobContext, tasks: Seq[TaskCommitMessage]): Unit = {
    val staged = tasks.map(_.obj.asInstanceOf[Staged])
    val (replaced, others) = doomed.toSeq.partition(below)
    val folders = if (dynamic) staged.flatMap(_.inside.values).map(file => new Path(root, file).getParent) else Nil
    val files = root.getFileSystem(job.getConfiguration)
    val removed = replaced.flatMap(list(files, _, true)) ++ folders.distinct.flatMap(list(files, _, false))
    val added = staged.flatMap(_.inside).map { case (source, file) => key(source) -> key(s"$root/$file") }
    publication.commit(added, removed.map(one => key(one.toString)).distinct, dynamic || doomed.nonEmpty)
    publication = null
    move(files, staged.flatMap(_.elsewhere), others)
  }

  private def move(files: FileSystem, moved: Seq[(String, String)], doomed: Seq[Path]): Unit = {
    val emptied = if (dynamic) moved.map { case (_, target) => new Path(target).getParent } else Nil
    (doomed ++ emptied).distinct.foreach(place => place.getFileSystem(files.getConf).delete(place, true))
    moved.foreach { case (source, target) =>
      files.mkdirs(new Path(target).getParent)
      if (!files.rename(new Path(source), new Path(target)))
        throw new IOException(s"$source could not be moved to $target.")
    }
    if (moved.nonEmpty) files.delete(outside, true)
  }

  override def abortJob(job: JobContext): Unit = {
    if (publication != null) publication.abort()
    outside.getFileSystem(job.getConfiguration).delete(outside, true)
  }

  private def folder(task: TaskAttemptContext) = s"$staging${task.getTaskAttemptID}"

  private def nameOf(task: TaskAttemptContext, name: FileNameSpec) =
    f"${name.prefix}part-${task.getTaskAttemptID.getTaskID.getId}%05d-$jobId${name.suffix}"

  private def below(path: Path) = {
    val same = path.toUri.getAuthority == root.toUri.getAuthority
    same && s"${key(path.toString)}/".startsWith(s"${key(root.toString)}/")
  }

  private def list(files: FileSystem, folder: Path, deep: Boolean): Seq[Path] =
    if (!files.exists(folder)) Nil
    else {
      val found = files.listFiles(folder, deep)
      Iterator.continually(found).takeWhile(_.hasNext).map(_.next().getPath).toSeq
        .filterNot(one => Seq("/.lakelet/", "/.spark-staging-").exists(one.toString.contains))
    }

  private def key(path: String) = new Path(path).toUri.getPath.stripPrefix("/")
}
