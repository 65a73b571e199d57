package lakelet.json

import java.util.{IdentityHashMap, Locale}

import com.fasterxml.jackson.core.util.JsonParserDelegate
import com.fasterxml.jackson.core.{JsonFactory, JsonParseException, JsonParser, JsonToken}
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.io.Text
import org.apache.hadoop.mapreduce.{Job, TaskAttemptContext}
import org.apache.spark.TaskContext
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.json.{CreateJacksonParser, JSONOptions, JacksonParser}
import org.apache.spark.sql.catalyst.util.BadRecordException
import org.apache.spark.sql.execution.datasources.json.JsonFileFormat
import org.apache.spark.sql.execution.datasources.{
  HadoopFileLinesReader,
  OutputWriter,
  OutputWriterFactory,
  PartitionedFile
}
import org.apache.spark.sql.sources.Filter
import org.apache.spark.sql.types.{ArrayType, DataType, MapType, StructType}
import org.apache.spark.unsafe.types.UTF8String
import org.apache.spark.util.SerializableConfiguration

/** How Spark reads the catalog's tables of JSON lines (catalog/hive/datasources.py): by Spark's own parser, with keys
  * found and malformed lines treated as OpenX's SerDe does it by the table's properties ("OpenX JSON SerDe", Amazon
  * Athena User Guide). Columns of the catalog are lower case, keys in JSON seldom are.
  */
class JsonTables extends JsonFileFormat {

  override def buildReader(
      spark: SparkSession,
      data: StructType,
      partitions: StructType,
      required: StructType,
      filters: Seq[Filter],
      options: Map[String, String],
      hadoop: Configuration
  ): PartitionedFile => Iterator[InternalRow] = {
    val settings = spark.sessionState.conf
    val json = new JSONOptions(options, settings.sessionLocalTimeZone, settings.columnNameOfCorruptRecord)
    val keys = new Keys(options)
    val forgiving = keys.flag("ignore.malformed.json")
    val conf = spark.sparkContext.broadcast(new SerializableConfiguration(hadoop))

    (file: PartitionedFile) => {
      val parser = new JacksonParser(required, json, allowArrayAsStructs = false)
      val fields = new Fields(required, keys)
      var found: FoundKeys = null
      val open = (factory: JsonFactory, line: Text) => {
        found = new FoundKeys(CreateJacksonParser.text(factory, line), required, fields)
        found: JsonParser
      }
      val lines = new HadoopFileLinesReader(file, json.lineSeparatorInRead, conf.value.value)
      Option(TaskContext.get()).foreach(_.addTaskCompletionListener[Unit](_ => lines.close()))
      lines.flatMap { line =>
        try parser.parse[Text](line, open, text => UTF8String.fromBytes(text.getBytes, 0, text.getLength))
        catch {
          case bad: BadRecordException =>
            val rows = bad.partialResults() // null where a value is not of its column's type
            val malformed = rows.isEmpty || found.broken
            if (malformed && !forgiving) throw new MalformedJson(file.filePath.toString)
            if (malformed) Seq(InternalRow.fromSeq(required.map(_ => null))) else rows.toSeq
        }
      }
    }
  }

  override def prepareWrite(
      spark: SparkSession,
      job: Job,
      options: Map[String, String],
      data: StructType
  ): OutputWriterFactory = {
    val real = super.prepareWrite(spark, job, options, data)
    val keys = new Keys(options)
    new OutputWriterFactory {
      override def newInstance(path: String, data: StructType, context: TaskAttemptContext): OutputWriter =
        real.newInstance(path, StructType(data.map(field => field.copy(name = keys.written(field.name)))), context)
      override def getFileExtension(context: TaskAttemptContext): String = real.getFileExtension(context)
    }
  }

  override def toString: String = "JSON"
}

class MalformedJson(file: String)
    extends RuntimeException(
      s"$file has a line that is no JSON object: mend it, or set the table's SerDe property ignore.malformed.json to " +
        "true, which makes it a row of nulls."
    )

/** Which key of JSON belongs to which field, by properties of a table's SerDe: `mapping.<column>`, `case.insensitive`,
  * `dots.in.keys`; and `paths`, in which crawlers keep how keys are written.
  */
private class Keys(options: Map[String, String]) extends Serializable {
  private val properties = options.map { case (name, value) => lower(name) -> value }
  private val anyCase = flag("case.insensitive", default = true)
  private val dots = flag("dots.in.keys")
  private val mapped =
    properties.collect { case (name, key) if name.startsWith("mapping.") => name.stripPrefix("mapping.") -> key }
  private val crawled =
    if (anyCase) properties.getOrElse("paths", "").split(",").map(key => lower(key) -> key).toMap
    else Map.empty[String, String]

  // What SerDes heed besides; data/json_keys.py has the same list.
  for (name <- Seq("timestamp.formats", "explicit.null", "convertdotsinjsonkeystounderscores"))
    if (properties.get(name).exists(value => lower(value.trim) != "false"))
      throw new IllegalArgumentException(
        s"The SerDe property '$name' is not served: use case.insensitive, dots.in.keys, ignore.malformed.json and " +
          "mapping.<column>, or remove it."
      )

  def flag(name: String, default: Boolean = false): Boolean =
    properties.get(name).map(value => lower(value.trim) == "true").getOrElse(default)

  /** The name and type of each field, by its key; only columns are mapped. */
  def of(struct: StructType, columns: Boolean): Map[String, (String, DataType)] = {
    val found = struct.map { field =>
      val key = if (columns) mapped.getOrElse(lower(field.name), field.name) else field.name
      folded(key) -> (field.name, field.dataType)
    }
    val known = found.toMap
    if (known.size < found.size)
      throw new IllegalArgumentException(
        s"Two of ${struct.fieldNames.mkString(", ")} have one key of JSON: give each its own by mapping.<column>."
      )
    known
  }

  def folded(key: String): String = {
    val cased = if (anyCase) lower(key) else key
    if (dots) cased.replace('.', '_') else cased
  }

  def written(column: String): String = mapped.getOrElse(lower(column), crawled.getOrElse(lower(column), column))

  private def lower(text: String): String = text.toLowerCase(Locale.ROOT)
}

/** The fields of each struct of a schema, by their keys; made once for all lines of a file. */
private class Fields(root: StructType, keys: Keys) {
  private val known = new IdentityHashMap[StructType, Map[String, (String, DataType)]]

  def of(struct: StructType, key: String): Option[(String, DataType)] =
    known.computeIfAbsent(struct, one => keys.of(one, columns = one eq root)).get(keys.folded(key))
}

/** A parser that gives the keys of objects the names of the schema's fields; those of maps stay as they are. */
private class FoundKeys(real: JsonParser, root: StructType, fields: Fields) extends JsonParserDelegate(real) {
  private var open = List.empty[DataType] // of the objects and arrays that have begun; null: not in the schema
  private var coming: DataType = root // of the next value
  private var name = ""
  var broken = false // Spark keeps the first complaint of a line, which may be about a value before

  override def nextToken(): JsonToken = {
    val token =
      try super.nextToken()
      catch { case error: JsonParseException => broken = true; throw error }
    token match {
      case JsonToken.START_OBJECT | JsonToken.START_ARRAY =>
        open = coming :: open
        inside()
      case JsonToken.END_OBJECT | JsonToken.END_ARRAY => leave()
      case JsonToken.FIELD_NAME                       => field(super.currentName())
      case _                                          =>
    }
    token
  }

  override def skipChildren(): JsonParser = {
    val begun = currentToken() == JsonToken.START_OBJECT || currentToken() == JsonToken.START_ARRAY
    super.skipChildren()
    if (begun) leave()
    this
  }

  override def currentName(): String = name // Spark asks at a key, and at the value of one that it does not know
  override def getCurrentName: String = name

  private def field(key: String): Unit = {
    name = key
    coming = open.head match {
      case struct: StructType =>
        val found = fields.of(struct, key)
        name = found.map(_._1).getOrElse("") // no field's, also where a mapped column has the name of another key
        found.map(_._2).orNull
      case map: MapType => map.valueType
      case _            => null
    }
  }

  private def leave(): Unit = {
    open = open.drop(1)
    inside()
  }

  private def inside(): Unit = open.headOption.foreach {
    case array: ArrayType => coming = array.elementType
    case _                =>
  }
}
