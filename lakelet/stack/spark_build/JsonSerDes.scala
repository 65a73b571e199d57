/** The names that Hive's and Athena's DDL have for JSON's SerDes. Hive's client makes an object of one when a table is
  * created; rows are read and written by Spark's own JSON (catalog/hive/datasources.py, JsonTables.scala).
  */
package org.openx.data.jsonserde {
  class JsonSerDe extends org.apache.hadoop.hive.serde2.DelimitedJSONSerDe
}

package org.apache.hive.hcatalog.data {
  class JsonSerDe extends org.apache.hadoop.hive.serde2.DelimitedJSONSerDe
}

package org.apache.hadoop.hive.serde2 {
  class JsonSerDe extends DelimitedJSONSerDe
}
