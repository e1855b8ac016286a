"""Labels without an LLM: which spans of a recorded session or a document were needed."""
