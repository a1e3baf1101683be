"""The page in the browser: a face over the Verifier, one file per page, no logic of its own."""
