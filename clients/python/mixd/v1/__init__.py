"""The schema mixd.v1, compiled by protoc when the package is built."""
