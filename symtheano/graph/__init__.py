"""The language of graphs: variables, ops, closed graphs and their rewriting. It knows neither tensors nor numpy."""
