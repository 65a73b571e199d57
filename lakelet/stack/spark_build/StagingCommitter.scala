package lakelet.publish

import org.apache.hadoop.fs.Path
import org.apache.hadoop.mapreduce.{JobContext, JobStatus, TaskAttemptContext}
import org.apache.hadoop.mapreduce.lib.output.{PathOutputCommitter, PathOutputCommitterFactory}

/** Has a sink's tasks write where their files stay, each attempt into a folder of its own: nobody reads a staging before
  * it is published, so that nothing has to be renamed, nor held back, until the job is committed.
  */
class StagingCommitterFactory extends PathOutputCommitterFactory {
  override def createOutputCommitter(output: Path, context: TaskAttemptContext): PathOutputCommitter =
    new StagingCommitter(output, context)
}

/** An attempt's files count once its mark is there, `committed/TASK/ATTEMPT`: etl/publishing.py reads the marks. */
class StagingCommitter(output: Path, context: TaskAttemptContext) extends PathOutputCommitter(output, context) {

  private def folder(context: TaskAttemptContext) = new Path(output, context.getTaskAttemptID.toString)

  override def getOutputPath: Path = output
  override def getWorkPath: Path = folder(context)

  override def setupJob(context: JobContext): Unit = ()
  override def setupTask(context: TaskAttemptContext): Unit = ()

  override def needsTaskCommit(context: TaskAttemptContext): Boolean = true

  override def commitTask(context: TaskAttemptContext): Unit = {
    val attempt = context.getTaskAttemptID
    val mark = new Path(output, s"committed/${attempt.getTaskID}/$attempt")
    mark.getFileSystem(context.getConfiguration).create(mark).close()
  }

  override def abortTask(context: TaskAttemptContext): Unit = {
    val left = folder(context)
    left.getFileSystem(context.getConfiguration).delete(left, true)
  }

  override def commitJob(context: JobContext): Unit = ()
  override def abortJob(context: JobContext, state: JobStatus.State): Unit = () // the publish drops its staging
}
