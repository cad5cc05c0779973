; kernel [i; j] x: float32[2], *o: float64[1]
;   for j:
;     r = add x[i, j]
;   once:
;     o[i] = r
;
; split i by 1, scratch ()

target triple = "x86_64-unknown-linux-gnu"
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, i32, <8 x i1>, <8 x float>)
define internal i32 @kernel(ptr %args, i64 %lo, i64 %hi, ptr %scratch) #0 {
entry:
  %.1 = getelementptr i8, ptr %args, i64 0
  %.2 = load ptr, ptr %.1, align 8
  %.3 = getelementptr i8, ptr %args, i64 8
  %.4 = load ptr, ptr %.3, align 8
  %.5 = getelementptr i8, ptr %args, i64 16
  %.6 = load i64, ptr %.5, align 8
  %.7 = getelementptr i8, ptr %args, i64 24
  %.8 = load i64, ptr %.7, align 8
  %.9 = getelementptr i8, ptr %args, i64 32
  %.10 = load i64, ptr %.9, align 8
  %.11 = icmp slt i64 %lo, %hi
  br i1 %.11, label %loop1, label %end2
loop1:
  %.12 = phi i64 [%lo, %entry], [%.73, %end4]
  %.13 = getelementptr double, ptr %.4, i64 %.12
  %.14 = mul i64 %.12, %.10
  %.15 = getelementptr float, ptr %.2, i64 %.14
  %.16 = icmp slt i64 0, %.8
  br i1 %.16, label %loop3, label %end4
loop3:
  %.18 = phi i64 [0, %loop1], [%.60, %end8]
  %.17 = phi <8 x double> [splat (double 0x0000000000000000), %loop1], [%.58, %end8]
  %.19 = add i64 %.18, 512
  %.20 = call i64 @llvm.smin.i64(i64 %.19, i64 %.8)
  %.21 = sub i64 %.20, %.18
  %.22 = and i64 %.21, -32
  %.23 = add i64 %.18, %.22
  %.24 = icmp slt i64 %.18, %.23
  br i1 %.24, label %loop5, label %end6
loop5:
  %.26 = phi i64 [%.18, %loop3], [%.31, %loop5]
  %.25 = phi <32 x float> [splat (float 0x0000000000000000), %loop3], [%.29, %loop5]
  %.27 = getelementptr float, ptr %.15, i64 %.26
  %.28 = load <32 x float>, ptr %.27, align 4
  %.29 = fadd <32 x float> %.25, %.28
  %.30 = add nuw nsw i64 %.26, 32
  %.31 = freeze i64 %.30
  %.32 = icmp slt i64 %.31, %.23
  br i1 %.32, label %loop5, label %end6
end6:
  %.33 = phi <32 x float> [splat (float 0x0000000000000000), %loop3], [%.29, %loop5]
  %.34 = shufflevector <32 x float> %.33, <32 x float> poison, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %.35 = shufflevector <32 x float> %.33, <32 x float> poison, <16 x i32> <i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %.36 = fadd <16 x float> %.34, %.35
  %.37 = shufflevector <16 x float> %.36, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %.38 = shufflevector <16 x float> %.36, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %.39 = fadd <8 x float> %.37, %.38
  %.40 = icmp slt i64 %.23, %.20
  br i1 %.40, label %loop7, label %end8
loop7:
  %.42 = phi i64 [%.23, %end6], [%.54, %loop7]
  %.41 = phi <8 x float> [%.39, %end6], [%.52, %loop7]
  %.43 = sub i64 %.8, %.42
  %.44 = call i64 @llvm.umin.i64(i64 %.43, i64 8)
  %.45 = sub i64 8, %.44
  %.46 = trunc i64 %.45 to i8
  %.47 = lshr i8 -1, %.46
  %.48 = bitcast i8 %.47 to <8 x i1>
  %.49 = getelementptr float, ptr %.15, i64 %.42
  %.50 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %.49, i32 4, <8 x i1> %.48, <8 x float> zeroinitializer)
  %.51 = fadd <8 x float> %.41, %.50
  %.52 = select <8 x i1> %.48, <8 x float> %.51, <8 x float> %.41
  %.53 = add nuw nsw i64 %.42, 8
  %.54 = freeze i64 %.53
  %.55 = icmp slt i64 %.54, %.20
  br i1 %.55, label %loop7, label %end8
end8:
  %.56 = phi <8 x float> [%.39, %end6], [%.52, %loop7]
  %.57 = fpext <8 x float> %.56 to <8 x double>
  %.58 = fadd <8 x double> %.17, %.57
  %.59 = add nuw nsw i64 %.18, 512
  %.60 = freeze i64 %.59
  %.61 = icmp slt i64 %.60, %.8
  br i1 %.61, label %loop3, label %end4
end4:
  %.62 = phi <8 x double> [splat (double 0x0000000000000000), %loop1], [%.58, %end8]
  %.63 = shufflevector <8 x double> %.62, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %.64 = shufflevector <8 x double> %.62, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %.65 = fadd <4 x double> %.63, %.64
  %.66 = shufflevector <4 x double> %.65, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %.67 = shufflevector <4 x double> %.65, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %.68 = fadd <2 x double> %.66, %.67
  %.69 = extractelement <2 x double> %.68, i64 0
  %.70 = extractelement <2 x double> %.68, i64 1
  %.71 = fadd double %.69, %.70
  store double %.71, ptr %.13, align 8
  %.72 = add nuw nsw i64 %.12, 1
  %.73 = freeze i64 %.72
  %.74 = icmp slt i64 %.73, %hi
  br i1 %.74, label %loop1, label %end2
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
