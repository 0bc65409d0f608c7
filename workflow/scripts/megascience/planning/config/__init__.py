"""The configuration: typed models, one file a topic; reading and checking; the schema and the documentation."""
