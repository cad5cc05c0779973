; kernel [i, j; ] x0: float32[2], x1: float32[1], *o: float32[2]
;   once:
;     o[i, j] = x0[i, j] * x1[j] + 1.0
;
; split i by 1, scratch ()

target triple = "x86_64-unknown-linux-gnu"
declare i64 @llvm.umin.i64(i64, i64)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
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
  %.15 = icmp slt i64 %lo, %hi
  br i1 %.15, label %loop1, label %end2
loop1:
  %.16 = phi i64 [%lo, %entry], [%.55, %end6]
  %.17 = mul i64 %.16, %.12
  %.18 = getelementptr float, ptr %.2, i64 %.17
  %.19 = mul i64 %.16, %.14
  %.20 = getelementptr float, ptr %.6, i64 %.19
  %.21 = sub i64 %.10, 0
  %.22 = and i64 %.21, -64
  %.23 = add i64 0, %.22
  %.24 = icmp slt i64 0, %.23
  br i1 %.24, label %loop3, label %end4
loop3:
  %.25 = phi i64 [0, %loop1], [%.34, %loop3]
  %.26 = getelementptr float, ptr %.18, i64 %.25
  %.27 = load <64 x float>, ptr %.26, align 4
  %.28 = getelementptr float, ptr %.4, i64 %.25
  %.29 = load <64 x float>, ptr %.28, align 4
  %.30 = fmul <64 x float> %.27, %.29
  %.31 = fadd <64 x float> %.30, splat (float 0x3FF0000000000000)
  %.32 = getelementptr float, ptr %.20, i64 %.25
  store <64 x float> %.31, ptr %.32, align 4
  %.33 = add nuw nsw i64 %.25, 64
  %.34 = freeze i64 %.33
  %.35 = icmp slt i64 %.34, %.23
  br i1 %.35, label %loop3, label %end4
end4:
  %.36 = icmp slt i64 %.23, %.10
  br i1 %.36, label %loop5, label %end6
loop5:
  %.37 = phi i64 [%.23, %end4], [%.52, %loop5]
  %.38 = sub i64 %.10, %.37
  %.39 = call i64 @llvm.umin.i64(i64 %.38, i64 16)
  %.40 = sub i64 16, %.39
  %.41 = trunc i64 %.40 to i16
  %.42 = lshr i16 -1, %.41
  %.43 = bitcast i16 %.42 to <16 x i1>
  %.44 = getelementptr float, ptr %.18, i64 %.37
  %.45 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %.44, i32 4, <16 x i1> %.43, <16 x float> zeroinitializer)
  %.46 = getelementptr float, ptr %.4, i64 %.37
  %.47 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %.46, i32 4, <16 x i1> %.43, <16 x float> zeroinitializer)
  %.48 = fmul <16 x float> %.45, %.47
  %.49 = fadd <16 x float> %.48, splat (float 0x3FF0000000000000)
  %.50 = getelementptr float, ptr %.20, i64 %.37
  call void @llvm.masked.store.v16f32.p0(<16 x float> %.49, ptr %.50, i32 4, <16 x i1> %.43)
  %.51 = add nuw nsw i64 %.37, 16
  %.52 = freeze i64 %.51
  %.53 = icmp slt i64 %.52, %.10
  br i1 %.53, label %loop5, label %end6
end6:
  %.54 = add nuw nsw i64 %.16, 1
  %.55 = freeze i64 %.54
  %.56 = icmp slt i64 %.55, %hi
  br i1 %.56, label %loop1, label %end2
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
