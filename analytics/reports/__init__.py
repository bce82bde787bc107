"""The queries behind each screen: every number a count, or a rate with its denominator."""
