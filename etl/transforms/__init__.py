"""The transforms of AWS Glue, one noun a file; DynamicFrame's methods and awsglue.transforms both call these."""
