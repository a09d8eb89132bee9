"""After-sales cases on the screens of buyer, merchant and operator."""
