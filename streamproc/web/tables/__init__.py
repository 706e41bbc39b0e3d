"""The Faust tables to look into: partitions, owners, keys in order."""
