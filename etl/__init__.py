"""Glue ETL: DynamicFrames, their transforms, the sources that read the lake and the sinks that publish to it."""
