; kernel [i, j; ] x: float32[2], y: int64[1], *o: float32[2]
;   once:
;     o[y[i], j] += x[i, j]
;
; split None by 128, scratch ()

target triple = "x86_64-unknown-linux-gnu"
declare i64 @llvm.umin.i64(i64, i64)
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, i32, <8 x i1>, <8 x float>)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, i32, <8 x i1>)
define internal i32 @kernel(ptr %args, i64 %lo, i64 %hi, ptr %scratch) #0 {
entry:
  %.1 = getelementptr i8, ptr %args, i64 0
  %.2 = load ptr, ptr %.1, align 8
  %.3 = getelementptr i8, ptr %args, i64 8
  %.4 = load ptr, ptr %.3, align 8
  %.5 = getelementptr i8, ptr %args, i64 16
  %.6 = load ptr, ptr %.5, align 8
  %.7 = getelementptr i8, ptr %args, i64 24
  %.8 = load i64, ptr %.7, align 8
  %.9 = getelementptr i8, ptr %args, i64 32
  %.10 = load i64, ptr %.9, align 8
  %.11 = getelementptr i8, ptr %args, i64 40
  %.12 = load i64, ptr %.11, align 8
  %.13 = getelementptr i8, ptr %args, i64 48
  %.14 = load i64, ptr %.13, align 8
  %.15 = icmp slt i64 0, %.8
  br i1 %.15, label %loop1, label %end2
loop1:
  %.16 = phi i64 [0, %entry], [%.53, %end6]
  %.17 = getelementptr i64, ptr %.4, i64 %.16
  %.18 = mul i64 %.16, %.12
  %.19 = getelementptr float, ptr %.2, i64 %.18
  %.20 = load i64, ptr %.17, align 8
  %.21 = mul i64 %.20, %.14
  %.22 = getelementptr float, ptr %.6, i64 %.21
  %.23 = sub i64 %.10, 0
  %.24 = and i64 %.23, -32
  %.25 = add i64 0, %.24
  %.26 = icmp slt i64 0, %.25
  br i1 %.26, label %loop3, label %end4
loop3:
  %.27 = phi i64 [0, %loop1], [%.34, %loop3]
  %.28 = getelementptr float, ptr %.19, i64 %.27
  %.29 = load <32 x float>, ptr %.28, align 4
  %.30 = getelementptr float, ptr %.22, i64 %.27
  %.31 = load <32 x float>, ptr %.30, align 4
  %.32 = fadd <32 x float> %.31, %.29
  store <32 x float> %.32, ptr %.30, align 4
  %.33 = add nuw nsw i64 %.27, 32
  %.34 = freeze i64 %.33
  %.35 = icmp slt i64 %.34, %.25
  br i1 %.35, label %loop3, label %end4
end4:
  %.36 = icmp slt i64 %.25, %.10
  br i1 %.36, label %loop5, label %end6
loop5:
  %.37 = phi i64 [%.25, %end4], [%.50, %loop5]
  %.38 = sub i64 %.10, %.37
  %.39 = call i64 @llvm.umin.i64(i64 %.38, i64 8)
  %.40 = sub i64 8, %.39
  %.41 = trunc i64 %.40 to i8
  %.42 = lshr i8 -1, %.41
  %.43 = bitcast i8 %.42 to <8 x i1>
  %.44 = getelementptr float, ptr %.19, i64 %.37
  %.45 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %.44, i32 4, <8 x i1> %.43, <8 x float> zeroinitializer)
  %.46 = getelementptr float, ptr %.22, i64 %.37
  %.47 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %.46, i32 4, <8 x i1> %.43, <8 x float> zeroinitializer)
  %.48 = fadd <8 x float> %.47, %.45
  call void @llvm.masked.store.v8f32.p0(<8 x float> %.48, ptr %.46, i32 4, <8 x i1> %.43)
  %.49 = add nuw nsw i64 %.37, 8
  %.50 = freeze i64 %.49
  %.51 = icmp slt i64 %.50, %.10
  br i1 %.51, label %loop5, label %end6
end6:
  %.52 = add nuw nsw i64 %.16, 1
  %.53 = freeze i64 %.52
  %.54 = icmp slt i64 %.53, %.8
  br i1 %.54, label %loop1, label %end2
end2:
  ret i32 0
}
define i32 @run(ptr %args, i64 %lo, i64 %hi, ptr %scratch) #0 {
entry:
  %.1 = call i32 @kernel(ptr %args, i64 %lo, i64 %hi, ptr %scratch)
  ret i32 %.1
}
attributes #0 = { nounwind "prefer-vector-width"="512" }
!0 = !{}
