"""One module or package per AWS service; a public function is an operation."""
