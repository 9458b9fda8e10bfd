"""One exchange between node and centre, as values in and values out."""
