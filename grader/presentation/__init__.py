"""What pages and formats both need: who may read what of a result, findings, words and figures."""
