"""The thread pool's native half, as LLVM text: `par`, `worker` and `dismiss`. What they do is told in pool.py.

Who waits and who wakes agree by a word for each waiter: the waiter sets it to 1 and looks once more for work before it
takes its lock; whoever changes it from 1 to 0 owes one release of that lock, unless it is the waiter itself.
"""

from __future__ import annotations

from string import Template

# Slots of 8 bytes in the context. What different threads write lies in different lines of the cache.
TICKET, COMPLETED, NUMBERS, WAITING, BUSY = 0, 8, 16, 17, 24
FN, ARGS, N, CHUNK, CHUNKS, SCRATCH, SCRATCH_BYTES, STATUS = range(32, 40)
THREADS, ACQUIRE, RELEASE, DONE, QUIT = range(40, 45)
WORKERS, WORKER_SLOTS = 48, 8  # each worker's: is it asleep, its lock
MAX_THREADS = 256
SPINS_IDLE, SPINS_WAIT = 2000, 10000  # pauses of 10 to 50 ns

PAUSES = {
    "x86_64": "call void @llvm.x86.sse2.pause()",
    "aarch64": "call void @llvm.aarch64.isb(i32 15)",
    "arm64": "call void @llvm.aarch64.isb(i32 15)",
}  # tells the core that it spins; elsewhere nothing does
DECLARES = {"x86_64": "declare void @llvm.x86.sse2.pause()", "aarch64": "declare void @llvm.aarch64.isb(i32)"}
DECLARES["arm64"] = DECLARES["aarch64"]

CODE = Template("""\
target triple = "$triple"
$declare

; Does one chunk of the job; false where none is left. mine: the last job this thread worked for, its number there.
define internal i1 @take(ptr %ctx, ptr %mine) nounwind {
entry:
  %mine_number = getelementptr i64, ptr %mine, i64 1
  br label %again
again:
  %ticket = load atomic i64, ptr %ctx seq_cst, align 8
  %left = and i64 %ticket, 4294967295
  %none = icmp eq i64 %left, 0
  br i1 %none, label %nothing, label %try
nothing:
  store i64 -1, ptr %mine, align 8
  ret i1 false
try:
  %less = sub i64 %ticket, 1
  %exchange = cmpxchg ptr %ctx, i64 %ticket, i64 %less seq_cst seq_cst
  %won = extractvalue { i64, i1 } %exchange, 1
  br i1 %won, label %mine_now, label %again
mine_now: ; from here to the count of completed chunks the job cannot end: its slots stay as they are
  %job = lshr i64 %ticket, 32
  %last_job = load i64, ptr %mine, align 8
  %known = icmp eq i64 %job, %last_job
  br i1 %known, label %run, label %number
number:
  $NUMBERS
  %new = atomicrmw add ptr %NUMBERS, i64 1 seq_cst
  store i64 %job, ptr %mine, align 8
  store i64 %new, ptr %mine_number, align 8
  br label %run
run:
  $job_slots
  %mine_is = load i64, ptr %mine_number, align 8
  %offset = mul i64 %mine_is, %scratch_bytes
  %my_scratch = getelementptr i8, ptr %scratch, i64 %offset
  %k = sub i64 %chunks, %left
  %lo = mul i64 %k, %chunk
  %behind = add i64 %lo, %chunk
  %hi = call i64 @llvm.smin.i64(i64 %behind, i64 %n)
  %result = call i32 %fn(ptr %args, i64 %lo, i64 %hi, ptr %my_scratch)
  %fine = icmp eq i32 %result, 0
  br i1 %fine, label %count, label %failed
failed:
  $STATUS
  %bits = zext i32 %result to i64
  %or = atomicrmw or ptr %STATUS, i64 %bits seq_cst
  br label %count
count:
  $COMPLETED
  %before = atomicrmw add ptr %COMPLETED, i64 1 seq_cst
  %done = add i64 %before, 1
  %last = icmp eq i64 %done, %chunks
  br i1 %last, label %finish, label %out
finish:
  $WAITING
  %waits = atomicrmw xchg ptr %WAITING, i64 0 seq_cst
  %owed = icmp eq i64 %waits, 1
  br i1 %owed, label %release, label %out
release:
  $DONE
  %lock = load ptr, ptr %DONE, align 8
  $RELEASE
  %free = load ptr, ptr %RELEASE, align 8
  call void %free(ptr %lock)
  br label %out
out:
  ret i1 true
}

; The life of worker number `index`: work, spin, sleep, until told to quit.
define void @worker(ptr %ctx, i64 %index) nounwind {
entry:
  %mine = alloca [2 x i64], align 8
  store i64 -1, ptr %mine, align 8
  %mine_first = mul i64 %index, $worker_slots
  %mine_slot = add i64 %mine_first, $workers
  %asleep = getelementptr i64, ptr %ctx, i64 %mine_slot
  %lock_slot = getelementptr i64, ptr %asleep, i64 1
  %lock = load ptr, ptr %lock_slot, align 8
  $ACQUIRE
  %take_lock = load ptr, ptr %ACQUIRE, align 8
  $QUIT
  br label %look
look:
  %spins = phi i64 [ 0, %entry ], [ 0, %look ], [ %more, %spin ], [ 0, %awake ]
  %worked = call i1 @take(ptr %ctx, ptr %mine)
  br i1 %worked, label %look, label %idle
idle:
  %quit = load atomic i64, ptr %QUIT seq_cst, align 8
  %ends = icmp ne i64 %quit, 0
  br i1 %ends, label %end, label %tired
tired:
  %more = add i64 %spins, 1
  %sleepy = icmp ugt i64 %more, $spins_idle
  br i1 %sleepy, label %lie_down, label %spin
spin:
  $pause
  br label %look
lie_down:
  %was = atomicrmw xchg ptr %asleep, i64 1 seq_cst
  %ticket = load atomic i64, ptr %ctx seq_cst, align 8
  %left = and i64 %ticket, 4294967295
  %work = icmp ne i64 %left, 0
  %quit2 = load atomic i64, ptr %QUIT seq_cst, align 8
  %ends2 = icmp ne i64 %quit2, 0
  %up = or i1 %work, %ends2
  br i1 %up, label %get_up, label %sleep
get_up:
  %still = atomicrmw xchg ptr %asleep, i64 0 seq_cst
  %alone = icmp eq i64 %still, 1
  br i1 %alone, label %awake, label %sleep
sleep:
  %got = call i32 %take_lock(ptr %lock, i32 1)
  br label %awake
awake:
  br label %look
end:
  ret void
}

; Wakes those who sleep among the first `count` workers.
define internal void @wake(ptr %ctx, i64 %count) nounwind {
entry:
  $RELEASE
  %free = load ptr, ptr %RELEASE, align 8
  %some = icmp sgt i64 %count, 0
  br i1 %some, label %look, label %end
look:
  %w = phi i64 [ 0, %entry ], [ %w1, %next ]
  %first = mul i64 %w, $worker_slots
  %slot = add i64 %first, $workers
  %asleep = getelementptr i64, ptr %ctx, i64 %slot
  %sleeps = load atomic i64, ptr %asleep seq_cst, align 8
  %maybe = icmp eq i64 %sleeps, 1
  br i1 %maybe, label %claim, label %next
claim:
  %slept = atomicrmw xchg ptr %asleep, i64 0 seq_cst
  %owed = icmp eq i64 %slept, 1
  br i1 %owed, label %release, label %next
release:
  %lock_slot = getelementptr i64, ptr %asleep, i64 1
  %lock = load ptr, ptr %lock_slot, align 8
  call void %free(ptr %lock)
  br label %next
next:
  %w1 = add i64 %w, 1
  %again = icmp slt i64 %w1, %count
  br i1 %again, label %look, label %end
end:
  ret void
}

; Tells all workers to end.
define void @dismiss(ptr %ctx, i64 %count) nounwind {
entry:
  $THREADS
  $QUIT
  store atomic i64 1, ptr %THREADS seq_cst, align 8
  store atomic i64 1, ptr %QUIT seq_cst, align 8
  call void @wake(ptr %ctx, i64 %count)
  ret void
}

define i32 @par(ptr %ctx, ptr %fn_, ptr %args_, i64 %n_, i64 %chunk_, ptr %scratch_, i64 %scratch_bytes_) nounwind {
entry:
  %mine = alloca [2 x i64], align 8
  store i64 -1, ptr %mine, align 8
  $job_addresses
  $COMPLETED
  $NUMBERS
  $WAITING
  $BUSY
  $STATUS
  $THREADS
  %some = icmp sgt i64 %n_, 0
  br i1 %some, label %begin, label %empty
empty:
  ret i32 0
begin:
  %step = call i64 @llvm.smax.i64(i64 %chunk_, i64 1)
  %n_1 = sub i64 %n_, 1
  %full = udiv i64 %n_1, %step
  %chunks_ = add i64 %full, 1
  %threads = load atomic i64, ptr %THREADS seq_cst, align 8
  %workers = sub i64 %threads, 1
  %nobody = icmp slt i64 %workers, 1
  %one = icmp ult i64 %chunks_, 2
  %too_many = icmp ugt i64 %chunks_, 2147483647
  %alone1 = or i1 %nobody, %one
  %alone2 = or i1 %alone1, %too_many
  br i1 %alone2, label %alone, label %enter
enter:
  %entered = cmpxchg ptr %BUSY, i64 0, i64 1 seq_cst seq_cst
  %ours = extractvalue { i64, i1 } %entered, 1
  br i1 %ours, label %publish, label %alone

alone:
  br label %part
part:
  %lo = phi i64 [ 0, %alone ], [ %hi, %part ]
  %results = phi i32 [ 0, %alone ], [ %results1, %part ]
  %rest = sub i64 %n_, %lo
  %length = call i64 @llvm.smin.i64(i64 %step, i64 %rest)
  %hi = add i64 %lo, %length
  %result = call i32 %fn_(ptr %args_, i64 %lo, i64 %hi, ptr %scratch_)
  %results1 = or i32 %results, %result
  %further = icmp slt i64 %hi, %n_
  br i1 %further, label %part, label %parts_done
parts_done:
  ret i32 %results1

publish:
  store ptr %fn_, ptr %FN, align 8
  store ptr %args_, ptr %ARGS, align 8
  store i64 %n_, ptr %N, align 8
  store i64 %step, ptr %CHUNK, align 8
  store i64 %chunks_, ptr %CHUNKS, align 8
  store ptr %scratch_, ptr %SCRATCH, align 8
  store i64 %scratch_bytes_, ptr %SCRATCH_BYTES, align 8
  store atomic i64 0, ptr %STATUS seq_cst, align 8
  store atomic i64 0, ptr %COMPLETED seq_cst, align 8
  store atomic i64 0, ptr %NUMBERS seq_cst, align 8
  %old = load atomic i64, ptr %ctx seq_cst, align 8
  %job0 = lshr i64 %old, 32
  %job1 = add i64 %job0, 1
  %job2 = shl i64 %job1, 32
  %ticket = or i64 %job2, %chunks_
  store atomic i64 %ticket, ptr %ctx seq_cst, align 8
  %others = sub i64 %chunks_, 1
  %wanted = call i64 @llvm.smin.i64(i64 %workers, i64 %others)
  call void @wake(ptr %ctx, i64 %wanted)
  br label %work
work:
  %worked = call i1 @take(ptr %ctx, ptr %mine)
  br i1 %worked, label %work, label %wait
wait: ; for the chunks that others have taken
  %spins = phi i64 [ 0, %work ], [ %more, %spin ], [ 0, %awake ]
  %completed = load atomic i64, ptr %COMPLETED seq_cst, align 8
  %all = icmp eq i64 %completed, %chunks_
  br i1 %all, label %leave, label %tired
tired:
  %more = add i64 %spins, 1
  %sleepy = icmp ugt i64 %more, $spins_wait
  br i1 %sleepy, label %lie_down, label %spin
spin:
  $pause
  br label %wait
lie_down:
  %was = atomicrmw xchg ptr %WAITING, i64 1 seq_cst
  %completed2 = load atomic i64, ptr %COMPLETED seq_cst, align 8
  %all2 = icmp eq i64 %completed2, %chunks_
  br i1 %all2, label %get_up, label %sleep
get_up:
  %still = atomicrmw xchg ptr %WAITING, i64 0 seq_cst
  %quiet = icmp eq i64 %still, 1
  br i1 %quiet, label %awake, label %sleep
sleep:
  $DONE
  %done_lock = load ptr, ptr %DONE, align 8
  $ACQUIRE
  %take_lock = load ptr, ptr %ACQUIRE, align 8
  %got = call i32 %take_lock(ptr %done_lock, i32 1)
  br label %awake
awake:
  br label %wait
leave:
  %status = load atomic i64, ptr %STATUS seq_cst, align 8
  store atomic i64 0, ptr %BUSY seq_cst, align 8
  %bits = trunc i64 %status to i32
  ret i32 %bits
}

declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
""")

_JOB = {"fn": FN, "args": ARGS, "n": N, "chunk": CHUNK, "chunks": CHUNKS}
_JOB |= {"scratch": SCRATCH, "scratch_bytes": SCRATCH_BYTES}


def code(triple: str) -> str:
    """The functions `par`, `worker` and `dismiss` as LLVM text."""
    machine = triple.split("-", 1)[0]
    shared = {"COMPLETED": COMPLETED, "NUMBERS": NUMBERS, "WAITING": WAITING, "BUSY": BUSY, "STATUS": STATUS}
    shared |= {"THREADS": THREADS, "ACQUIRE": ACQUIRE, "RELEASE": RELEASE, "DONE": DONE, "QUIT": QUIT}
    jobs = {name.upper(): slot for name, slot in _JOB.items()}
    loads = [
        f"%{name} = load {'ptr' if name in ('fn', 'args', 'scratch') else 'i64'}, ptr %{name.upper()}, align 8"
        for name in _JOB
    ]
    addresses = [_address(name, slot) for name, slot in jobs.items()]
    return CODE.substitute(
        {name: _address(name, slot) for name, slot in shared.items()},
        triple=triple,
        declare=DECLARES.get(machine, ""),
        pause=PAUSES.get(machine, ""),
        job_addresses="\n  ".join(addresses),
        job_slots="\n  ".join(addresses + loads),
        workers=WORKERS,
        worker_slots=WORKER_SLOTS,
        spins_idle=SPINS_IDLE,
        spins_wait=SPINS_WAIT,
    )


def _address(name: str, slot: int) -> str:
    return f"%{name} = getelementptr i64, ptr %ctx, i64 {slot}"
