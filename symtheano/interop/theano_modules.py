"""THE TABLE: each module of Theano 1.0, and where symtheano has its names.

A row is lines of the form `module: names`. The module is one of symtheano (without that prefix), or, where it begins
with `theano`, the names are modules below that path. `*` stands for all public names; `new=old` for a name that
symtheano spells otherwise (`.`: the module itself). Earlier lines come first. A source that symtheano does not
have (yet) gives no names, and a module without any source is not there. Names come before modules:
`theano.tensor.sort` is the function, and `import theano.tensor.sort` a module.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

__all__ = ["GONE", "MODULES", "Source", "parse"]


class Source(NamedTuple):
    """One line of a row: where names come from, and which (name here -> name there); `every` other public one too."""

    module: str
    names: dict[str, str]
    every: bool


@cache
def parse(path: str) -> tuple[Source, ...]:
    """The row of a module of Theano; empty where there is none."""
    sources = []
    for line in MODULES.get(path, "").splitlines():
        where, _, text = line.partition(":")
        where = where.strip()
        if where:
            names = text.split()
            pairs = (name.partition("=") for name in names if name != "*")
            module = where if where.partition(".")[0] in ("theano", "symtheano") else f"symtheano.{where}"
            sources.append(Source(module, {new: old or new for new, _, old in pairs}, "*" in names))
    return tuple(sources)


_CONFIG = """
    config: change_flags config _config_var_list
"""
_GRAPH = """
    graph.variable: Apply Constant Variable
    graph.queries: ancestors as_string clone clone_get_equiv default_leaf_formatter default_node_formatter
    graph.queries: general_toposort inputs io_connection_pattern io_toposort is_in_ancestors is_same_graph list_of_nodes
    graph.queries: op_as_string ops orphans stack_search variables variables_and_orphans view_roots
    graph.walk: equal_computations
"""
_TYPE = """
    graph.type: Generic Type PureType=Type CLinkerType=Type generic
"""
_OP = """
    graph.op: Op PureOp=Op CLinkerOp=Op
"""
_FG = """
    graph.fgraph: FunctionGraph
    errors: CachedConstantError InconsistencyError MissingInputError
"""
_NULL = """
    graph.null: DisconnectedType NullType disconnected_type null_type
"""
_LINK = """
    graph.shared: Container
"""
_UTILS = """
    errors: MethodNotDefined
    graph.variable: scratchpad=Scratchpad
    interop.helpers: *
"""
_IO = """
    compile.io: In Out Param SymbolicInput SymbolicOutput
"""
_OPS = """
    compile.as_op: FromFunctionOp as_op load_back
    tensor.passing: DeepCopyOp ViewOp deep_copy_op view_op
    tensor.shape: Rebroadcast SpecifyShape specify_shape
    tensor.shape_ops: Shape Shape_i
    tensor: shape
    tensor.sizes: shape_i
"""
_MODE = """
    compile.mode: FAST_COMPILE FAST_RUN Mode get_default_mode get_mode predefined_linkers predefined_modes
    compile.mode: predefined_optimizers register_mode
"""
_SHARED = """
    graph.shared: SharedVariable
    tensor.sharedvar: generic_constructor shared shared_constructor
"""
_FUNCTION = """
    compile.function: function
    interop.pkl_utils: function_dump
"""
_FUNCTION_MODULE = """
    compile.runtime: Function
    errors: AliasedMemoryError UnusedInputError
"""
_PFUNC = """
    compile.io: Param
    interop.helpers: iter_over_pairs pfunc
"""
_PROFILING = """
    compile.profiling: ProfileStats
"""
_SCALAR = """
    tensor.author_scalar: BinaryScalarOp Scalar ScalarOp UnaryScalarOp as_scalar float_out float_out_nocomplex
    tensor.author_scalar: get_scalar_type int_out int_out_nocomplex real_out same_out same_out_float_only same_out_min8
    tensor.author_scalar: same_out_nobool same_out_nocomplex specific_out transfer_type unary_out_lookup upcast_out
    tensor.author_scalar: upcast_out_min8 upcast_out_no_complex upcast_out_nobool upgrade_to_float upgrade_to_float64
    tensor.author_scalar: upgrade_to_float_no_complex
    interop.scalar_names: *
    scalar.dtypes: upcast
    tensor.convert: constant
    tensor.variable: ScalarConstant=TensorConstant ScalarVariable=TensorVariable
    errors: ComplexError IntegerDivisionError
    tensor: div_proxy=true_div int_or_true_div=true_div
"""
_SCAN = """
    scan: *
    scan.op: Scan
    scan.frontend: scan until
    scan.views: foldl foldr map reduce
    scan.checkpoints: scan_checkpoints
"""
_ABSTRACT_CONV = """
    tensor.nnet.abstract_conv: *
    tensor.nnet: conv2d conv3d
"""

MODULES: dict[str, str] = {
    "theano": f"""
        symtheano: *
        interop.theano_version: __version__=version _version=version
        interop.compat: _asarray
        {_IO}
        {_MODE}
        {_FUNCTION}
        {_PROFILING}
        {_SCAN}
        errors: InconsistencyError
        graph.shared: Container
        printing: pp pprint
        scan.ifelse: ifelse_op=ifelse
        gradient.jacobian: hessian jacobian
        sparse: sparse_grad
        interop.helpers: object2
        theano.gof: toolbox utils opt
        theano: theano=.
    """,
    "theano._version": "interop.theano_version: *",
    "theano.version": "interop.theano_version: *",
    "theano.compat": "interop.compat: *",
    "theano.compat.python2x": "interop.compat: DictMixin OrderedDict",
    "theano.configdefaults": _CONFIG,
    "theano.configparser": f"""
        {_CONFIG}
        errors: TheanoConfigWarning
        config: TheanoConfigParser=Config
    """,
    "theano.gradient": "gradient: *\n gradient.jacobian: *",
    "theano.ifelse": "scan.ifelse: IfElse ifelse",
    "theano.printing": "printing: * _TagGenerator",
    "theano.raise_op": "tensor.passing: Raise\n tensor.assertion: Assert",
    "theano.updates": "graph.updates: OrderedUpdates",
    # -- compile
    "theano.compile": f"""
        {_IO}
        {_MODE}
        {_FUNCTION}
        {_FUNCTION_MODULE}
        {_PFUNC}
        {_PROFILING}
        {_OPS}
        {_SHARED}
        {_NULL}
        graph.variable: Variable Apply Constant
        compile.opfromgraph: OpFromGraph
        graph.updates: OrderedUpdates
        graph.queries: io_connection_pattern is_same_graph
        config: config
        compile.debug: DebugMode MonitorMode NanGuardMode
        theano: gof sandbox
        theano.gof: graph
    """,
    "theano.compile.builders": "compile.opfromgraph: OpFromGraph",
    "theano.compile.debugmode": """
        compile.debug: DebugMode
        errors: BadDestroyMap BadOptimization BadThunkOutput BadViewMap DebugModeError InvalidValueError StochasticOrder
        printing: char_from_number debugprint
    """,
    "theano.compile.function": _FUNCTION,
    "theano.compile.function_module": _FUNCTION_MODULE,
    "theano.compile.io": _IO,
    "theano.compile.mode": _MODE,
    "theano.compile.monitormode": "compile.debug: MonitorMode detect_nan",
    "theano.compile.nanguardmode": "compile.debug: NanGuardMode",
    "theano.compile.ops": _OPS,
    "theano.compile.pfunc": _PFUNC,
    "theano.compile.profiling": _PROFILING,
    "theano.compile.sharedvalue": _SHARED,
    # -- gof
    "theano.gof": f"""
        {_GRAPH}
        {_TYPE}
        {_OP}
        {_FG}
        {_LINK}
        {_UTILS}
        errors: ReplacementDidntRemovedError
    """,
    "theano.gof.destroyhandler": "errors: ProtocolError",
    "theano.gof.fg": _FG,
    "theano.gof.graph": _GRAPH,
    "theano.gof.link": _LINK,
    "theano.gof.null_type": _NULL,
    "theano.gof.op": _OP,
    "theano.gof.toolbox": "errors: BadOptimization ReplacementDidntRemovedError",
    "theano.gof.type": _TYPE,
    "theano.gof.utils": _UTILS,
    # -- scalar
    "theano.scalar": _SCALAR + "theano: gof printing\n theano.gof: utils",
    "theano.scalar.basic": _SCALAR,
    "theano.scalar.basic_scipy": """
        interop.scalar_names: Chi2SF Erf Erfc Erfcinv Erfcx Erfinv Gamma GammaInc GammaIncC GammaL GammaLn GammaU I0 I1
        interop.scalar_names: Iv J0 J1 Jv Psi TriGamma chi2sf erf erfc erfcinv erfcx erfinv gamma gammainc gammaincc
        interop.scalar_names: gammal gammaln gammau i0 i1 iv j0 j1 jv psi tri_gamma
    """,
    "theano.scalar.sharedvar": "tensor.sharedvar: ScalarSharedVariable shared=scalar_constructor",
    # -- scan
    "theano.scan_module": _SCAN + "graph.surgery: clone",
    "theano.scan_module.scan": "scan.frontend: scan",
    "theano.scan_module.scan_checkpoints": "scan.checkpoints: scan_checkpoints",
    "theano.scan_module.scan_op": "scan.op: Scan",
    "theano.scan_module.scan_utils": """
        graph.walk: equal_computations
        graph.surgery: clone
        scan.frontend: until
        interop.scan_utils: *
    """,
    "theano.scan_module.scan_views": "scan.views: foldl foldr map reduce",
    # -- tensor
    "theano.tensor": """
        tensor: * _shared
        gradient: Lop Rop grad verify_grad numeric_grad consider_constant grad_not_implemented grad_undefined
        gradient.jacobian: hessian jacobian
        printing: min_informative_str pprint
        interop.helpers: hashtype
        interop.scalar_names: int32
        errors: AsTensorError
        theano: compile gof printing scal=scalar
    """,
    "theano.tensor.basic": """
        tensor: *
        tensor.argmax: Argmax MaxAndArgmax
        tensor.arange: ARange mgrid ogrid
        tensor.diagonal: AllocDiag ExtractDiag Eye Tri
        tensor.index: Choose Nonzero
        tensor.join: Join Split
        tensor.permute_rows: *
        tensor.sharedvar: load_shared_variable
        gradient: Lop Rop grad verify_grad numeric_grad
        interop.unittest_tools: _allclose _get_atol_rtol
        config: config
        errors: EmptyConstantError NotScalarConstantError ShapeError
        theano: compile gof printing scal=scalar
    """,
    "theano.tensor.elemwise": """
        tensor.elemwise: DimShuffle Elemwise
        tensor.careduce: All Any=Any_ CAReduce CAReduceDtype Prod ProdWithoutZeros Sum
        printing: DimShufflePrinter=_DimShufflePrinter
    """,
    "theano.tensor.extra_ops": """
        tensor.extra_ops: *
        tensor.repeat: RepeatOp repeat
        tensor.shape: squeeze
        tensor.ravel: *
        tensor.diagonal: *
        tensor: bincount compress cumprod cumsum diff fill_diagonal fill_diagonal_offset ravel_multi_index squeeze
        tensor: to_one_hot unique unravel_index bartlett
    """,
    "theano.tensor.fft": "tensor.fft: *",
    "theano.tensor.inplace": "tensor.inplace: *",
    "theano.tensor.io": "tensor.io: *",
    "theano.tensor.nlinalg": "tensor.nlinalg: *",
    "theano.tensor.nnet": """
        tensor.nnet: *
        tensor.nnet.nnet: *
        tensor.nnet.sigm: *
        tensor.nnet.conv_functions: *
        tensor.nnet.bn: batch_normalization
    """,
    "theano.tensor.nnet.abstract_conv": _ABSTRACT_CONV,
    "theano.tensor.nnet.blocksparse": "tensor.nnet.blocksparse: *",
    "theano.tensor.nnet.bn": "tensor.nnet.bn: *",
    "theano.tensor.nnet.conv": "tensor.nnet.conv: *",
    "theano.tensor.nnet.conv3d2d": "tensor.nnet.conv3d2d: *",
    "theano.tensor.nnet.corr": "tensor.nnet.corr: *",
    "theano.tensor.nnet.corr3d": "tensor.nnet.corr3d: *",
    "theano.tensor.nnet.ctc": "tensor.nnet.ctc: *",
    "theano.tensor.nnet.neighbours": "tensor.nnet.neighbours: *",
    "theano.tensor.nnet.nnet": "tensor.nnet.nnet: *\n tensor.nnet: *",
    "theano.tensor.nnet.sigm": "tensor.nnet.sigm: *",
    "theano.tensor.opt": """
        tensor.assertion: Assert assert_ assert_op
        tensor.join: MakeVector make_vector
    """,
    "theano.tensor.raw_random": "tensor.raw_random: *",
    "theano.tensor.shared_randomstreams": """
        tensor.shared_randomstreams: *
        tensor.random_state: RandomStateSharedVariable randomstate_constructor
    """,
    "theano.tensor.sharedvar": """
        graph.shared: SharedVariable
        tensor.sharedvar: ScalarSharedVariable TensorSharedVariable load_shared_variable scalar_constructor shared
        tensor.sharedvar: shared_constructor tensor_constructor generic_constructor
        tensor.variable: _tensor_py_operators
    """,
    "theano.tensor.signal": "",
    "theano.tensor.signal.conv": "tensor.signal.conv: *",
    "theano.tensor.signal.downsample": "tensor.signal.downsample: *",
    "theano.tensor.signal.pool": "tensor.signal.pool: *",
    "theano.tensor.slinalg": "tensor.slinalg: *",
    "theano.tensor.sort": "tensor.sort: *",
    "theano.tensor.subtensor": """
        tensor.index: *
        errors: AdvancedBooleanIndexingError AdvancedIndexingError
        printing: SubtensorPrinter=_SubtensorPrinter
    """,
    "theano.tensor.type": "tensor.type: TensorType",
    "theano.tensor.type_other": "tensor.type_other: *",
    "theano.tensor.utils": "tensor.utils: *\n interop.helpers: hash_from_ndarray",
    "theano.tensor.var": """
        tensor.variable: TensorConstant TensorConstantSignature TensorVariable _tensor_py_operators
        errors: AsTensorError
    """,
    "theano.tensor.xlogx": """
        tensor: xlogx xlogy0
        interop.scalar_names: XlogX XlogY0 scalar_xlogx=xlogx scalar_xlogy0=xlogy0
    """,
    "theano.typed_list": "typed_list: *",
    "theano.typed_list.basic": "typed_list.basic: *",
    "theano.typed_list.type": "typed_list.type: *",
    # -- sparse
    "theano.sparse": "sparse: *",
    "theano.sparse.basic": "sparse.basic: *\n sparse: *",
    "theano.sparse.sharedvar": "sparse.sharedvar: *",
    "theano.sparse.type": "sparse.type: *",
    "theano.sparse.utils": "sparse.utils: *",
    # -- sandbox, misc, tests, gpuarray
    "theano.sandbox": "",
    "theano.sandbox.blocksparse": "tensor.nnet.blocksparse: *",
    "theano.sandbox.conv": "tensor.nnet.conv: *",
    "theano.sandbox.linalg": "tensor.nlinalg: *\n tensor.slinalg: *",
    "theano.sandbox.linalg.ops": "tensor.nlinalg: *\n tensor.slinalg: *",
    "theano.sandbox.multinomial": "sandbox.multinomial: *",
    "theano.sandbox.neighbours": "tensor.nnet.neighbours: *",
    "theano.sandbox.rng_mrg": "sandbox.rng_mrg: *",
    "theano.sandbox.softsign": "tensor.nnet.nnet: softsign",
    "theano.misc": "",
    "theano.misc.frozendict": "interop.compat: FrozenOrderedDict frozendict",
    "theano.misc.ordered_set": "interop.compat: OrderedSet check_deterministic",
    "theano.misc.pkl_utils": "interop.pkl_utils: *",
    "theano.misc.strutil": "interop.compat: pretty_format render_string strip_leading_white_space",
    "theano.misc.safe_asarray": "interop.compat: _asarray",
    "theano.tests": "",
    "theano.tests.breakpoint": "tensor.passing: PdbBreakpoint",
    "theano.tests.unittest_tools": "interop.unittest_tools: *",
    "theano.gpuarray": "interop.gpuarray: *",
    "theano.gpuarray.dnn": "interop.gpuarray: dnn_available dnn_present",
    "theano.gpuarray.type": "interop.gpuarray: ContextNotDefined get_context",
}

# Modules of older Theanos, and why they are not there.
GONE = {
    "theano.sandbox.cuda": "theano.sandbox.cuda is the GPU back end that Theano 0.9 had. Nothing has to be imported to "
    "use a GPU here: set THEANO_FLAGS=device=cuda.",
    "theano.sandbox.gpuarray": "theano.sandbox.gpuarray became theano.gpuarray in Theano 0.9.",
}
