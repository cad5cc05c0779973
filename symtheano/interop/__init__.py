"""The border to other programs: Theano's module paths (`install_as_theano`), and what only its libraries ask for."""
