"""Programs as Theano's users wrote them, through `python -m symtheano run`: they print what they do on Theano."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LOGISTIC = '''
"""After the style of the deep learning tutorials: a class, shared data, minibatches by givens, updates."""
import numpy
import theano
import theano.tensor as T

class LogisticRegression(object):
    def __init__(self, input, n_in, n_out):
        self.W = theano.shared(value=numpy.zeros((n_in, n_out), dtype=theano.config.floatX), name='W', borrow=True)
        self.b = theano.shared(value=numpy.zeros((n_out,), dtype=theano.config.floatX), name='b', borrow=True)
        self.p_y_given_x = T.nnet.softmax(T.dot(input, self.W) + self.b)
        self.y_pred = T.argmax(self.p_y_given_x, axis=1)
        self.params = [self.W, self.b]

    def negative_log_likelihood(self, y):
        return -T.mean(T.log(self.p_y_given_x)[T.arange(y.shape[0]), y])

    def errors(self, y):
        if y.ndim != self.y_pred.ndim:
            raise TypeError('y should have the same shape as self.y_pred', ('y', y.type, 'y_pred', self.y_pred.type))
        if y.dtype.startswith('int'):
            return T.mean(T.neq(self.y_pred, y))
        raise NotImplementedError()

rng = numpy.random.RandomState(0)
labels = rng.randint(0, 3, 300)
points = rng.randn(300, 4) + 3 * numpy.eye(3, 4)[labels]
train_x = theano.shared(numpy.asarray(points, dtype=theano.config.floatX), borrow=True)
train_y = T.cast(theano.shared(numpy.asarray(labels, dtype=theano.config.floatX), borrow=True), 'int32')

index = T.lscalar()
x = T.matrix('x')
y = T.ivector('y')
classifier = LogisticRegression(input=x, n_in=4, n_out=3)
cost = classifier.negative_log_likelihood(y)
g_W = T.grad(cost=cost, wrt=classifier.W)
g_b = T.grad(cost=cost, wrt=classifier.b)
updates = [(classifier.W, classifier.W - 0.5 * g_W), (classifier.b, classifier.b - 0.5 * g_b)]
batch = 50
givens = {x: train_x[index * batch: (index + 1) * batch], y: train_y[index * batch: (index + 1) * batch]}
train_model = theano.function(inputs=[index], outputs=cost, updates=updates, givens=givens)
test_model = theano.function(inputs=[index], outputs=classifier.errors(y), givens=givens)
first = train_model(0)
for epoch in range(20):
    costs = [train_model(i) for i in range(6)]
print('%.6f' % first, numpy.mean(costs) < 0.2, numpy.mean([test_model(i) for i in range(6)]) < 0.1)
shared = [v.name for v in theano.gof.graph.inputs([cost]) if isinstance(v, theano.compile.SharedVariable)]
print(train_model.maker.fgraph is not None, theano.pp(T.dot(x, classifier.W)), shared)
'''

DENOISING = '''
"""A denoising autoencoder: random streams, tied weights, a momentum dict of updates, floatX float32."""
import numpy as np
import theano
from theano import tensor as T
from theano.tensor.shared_randomstreams import RandomStreams
from theano.sandbox.rng_mrg import MRG_RandomStreams

assert theano.config.floatX == 'float32'
rng = np.random.RandomState(123)
theano_rng = RandomStreams(rng.randint(2 ** 30))
mrg = MRG_RandomStreams(42)
W = theano.shared(np.asarray(rng.uniform(-0.1, 0.1, (8, 5)), dtype=theano.config.floatX), name='W')
bh, bv = (theano.shared(np.zeros(n, dtype=theano.config.floatX), name=s) for n, s in ((5, 'bh'), (8, 'bv')))
x = T.matrix('x')
corrupted = theano_rng.binomial(size=x.shape, n=1, p=0.7, dtype=theano.config.floatX) * x
h = T.nnet.sigmoid(T.dot(corrupted, W) + bh)
z = T.nnet.sigmoid(T.dot(h, W.T) + bv)
cost = T.mean(-T.sum(x * T.log(z) + (1 - x) * T.log(1 - z), axis=1))
params = [W, bh, bv]
updates = theano.OrderedUpdates()
for p, g in zip(params, T.grad(cost, params)):
    m = theano.shared(p.get_value() * 0., broadcastable=p.broadcastable)
    v = theano._asarray(0.9, dtype='floatX') * m - theano._asarray(0.05, dtype='floatX') * g
    updates[m] = v
    updates[p] = p + v
train = theano.function([x], cost, updates=updates, allow_input_downcast=True)
data = (rng.rand(40, 8) > 0.8) * 1.0
costs = [float(train(data)) for _ in range(300)]
noise = theano.function([], mrg.uniform((3,)))()
more = theano.function([], mrg.uniform((3,)))()
print(cost.dtype, costs[-1] < costs[0] * 0.8, noise.dtype, bool((noise != more).any()))
'''

OPS = '''
"""An author's Op, an author's scalar Op, an as_op, a subclass of TensorVariable: as libraries write them."""
import numpy as np
import theano
import theano.tensor as tt
from theano import gof, scalar
from theano.gof import Op, Apply
from theano.gof.graph import inputs, ancestors
from theano.compile.ops import as_op
from theano.tensor.var import TensorVariable
from theano.tests import unittest_tools as utt

class DoubleOp(Op):
    __props__ = ()
    def make_node(self, x):
        x = theano.tensor.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])
    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2
    def infer_shape(self, node, i0_shapes):
        return i0_shapes
    def grad(self, inputs, output_grads):
        return [output_grads[0] * 2]

class LogDiffExp(scalar.BinaryScalarOp):
    def impl(self, a, b):
        return a + np.log1p(-np.exp(b - a))
    def grad(self, inp, grads):
        a, b = inp
        gz, = grads
        r = scalar.exp(b - a)
        return gz / (1 - r), -gz * r / (1 - r)
    def c_code(self, *args):
        raise NotImplementedError()

logdiffexp = tt.Elemwise(LogDiffExp(scalar.upgrade_to_float, name='logdiffexp'), name='logdiffexp')

@as_op(itypes=[tt.dvector], otypes=[tt.dscalar])
def count(x):
    return np.array(float(len(x)))

class FreeRV(TensorVariable):
    def __init__(self, type=None, owner=None, index=None, name=None):
        super(FreeRV, self).__init__(type, owner, index, name)

utt.seed_rng()
utt.verify_grad(DoubleOp(), [np.random.rand(5, 7)])
utt.verify_grad(logdiffexp, [np.random.rand(4) + 2, np.random.rand(4)])
x = tt.dvector('x')
free = FreeRV(x.type, name='free')
theano.Apply(theano.compile.view_op, inputs=[x], outputs=[free])
total = (free * 2).sum() + count(x)
f = theano.function([x], total)
print(f([1., 2.]), [v.name for v in inputs([total]) if not isinstance(v, gof.Constant)], free in ancestors([total]))
row = tt.exp(x).owner.op.scalar_op
print(isinstance(row, scalar.Exp), theano.scalar.upcast('int8', 'float32'), scalar.float64('s').type)
try:
    theano.function([], x)
except theano.gof.fg.MissingInputError as error:
    print('missing')
print(theano.clone(total, {x: x * 2}).eval({x: [1., 2.]}), gof.graph.is_same_graph(x.mean(), tt.mean(x)))
theano.printing.debugprint(DoubleOp()(x))
y = theano.printing.Print('y')(x)
theano.function([x], y.sum())([1.])
'''

CONV = '''
"""A convolutional network's first layers, with the guarded imports of its time."""
import numpy as np
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal import pool
try:
    import theano.sandbox.cuda
    print('old cuda')
except Exception as error:
    print(isinstance(error, ImportError))
import theano.gpuarray
print(theano.gpuarray.pygpu_activated, theano.gpuarray.dnn.dnn_present())
x = T.tensor4('x')
W = theano.shared(np.ones((2, 1, 3, 3)), name='W')
out = T.tanh(pool.pool_2d(input=conv2d(x, W, border_mode='valid'), ws=(2, 2), ignore_border=True))
f = theano.function([x], [out, T.grad(out.sum(), W)])
a, g = f(np.full((1, 1, 6, 6), 0.01))
print(a.shape, g.shape)
'''

SYMPY = '''
"""SymPy's own printer for Theano."""
import warnings
import numpy as np
import sympy
from sympy.printing.theanocode import theano_code, theano_function
warnings.simplefilter('ignore')
x, y = sympy.symbols('x y')
X = sympy.MatrixSymbol('X', 2, 2)
f = theano_function([x, y], [sympy.sin(x) + sympy.Max(x, y)], dims={x: 1, y: 1}, dtypes={x: 'float64', y: 'float64'})
print(f(np.array([0., 2.]), np.array([1., 1.])).round(3))
print(theano_function([X], [X.T * X, sympy.Trace(X), sympy.Determinant(X)], dtypes={X: 'float64'})(2 * np.eye(2)))
print(theano_code(sympy.Piecewise((x, x > 0), (0, True))).owner.op)
'''

EXPECTED = {
    "logistic": (
        LOGISTIC,
        "",
        "1.098612 True True\nTrue (x \\dot W) ['W', 'b']\n",
    ),
    "denoising": (DENOISING, "floatX=float32", "float32 True float32 True\n"),
    "ops": (
        OPS,
        "",
        "8.0 ['x'] True\nTrue float32 TensorType(float64, scalar)\nmissing\n14.0 True\n"
        "DoubleOp [id A] ''   \n |x [id B]\ny __str__ = [1.]\n",
    ),
    "sympy": (
        SYMPY,
        "",
        "[1.    2.909]\n[array([[4., 0.],\n       [0., 4.]]), array(4.), array(4.)]\nElemwise{switch,no_inplace}\n",
    ),
    "conv": (CONV, "", "True\nFalse False\n(1, 2, 2, 2) (2, 1, 3, 3)\n"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_program(name: str, tmp_path: Path) -> None:
    source, flags, expected = EXPECTED[name]
    script = tmp_path / f"program_{name}.py"
    script.write_text(source, encoding="utf-8")
    environ = {**os.environ, "THEANO_FLAGS": flags, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error::DeprecationWarning", "-m", "symtheano", "run", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, cwd=tmp_path)
    assert done.stdout == expected, done.stdout + done.stderr
