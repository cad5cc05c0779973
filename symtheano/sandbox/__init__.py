"""What Theano keeps in theano.sandbox: the MRG random streams. Modules are loaded when they are imported by name."""
