; kernel [i, j; ] x0: float32[2], x1: float32[1], *o: float32[2]
;   once:
;     o[i, j] = x0[i, j] * x1[j] + 1.0
;
; split i by 1, scratch ()

target triple = "aarch64-unknown-linux-gnu"
declare i64 @llvm.umin.i64(i64, i64)
define internal i32 @kernel(ptr %args, i64 %lo, i64 %hi, ptr %scratch) #0 {
entry:
  %.46 = alloca <8 x float>, align 64
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
  %.16 = phi i64 [%lo, %entry], [%.86, %end6]
  %.17 = mul i64 %.16, %.12
  %.18 = getelementptr float, ptr %.2, i64 %.17
  %.19 = mul i64 %.16, %.14
  %.20 = getelementptr float, ptr %.6, i64 %.19
  %.21 = sub i64 %.10, 0
  %.22 = and i64 %.21, -16
  %.23 = add i64 0, %.22
  %.24 = icmp slt i64 0, %.23
  br i1 %.24, label %loop3, label %end4
loop3:
  %.25 = phi i64 [0, %loop1], [%.34, %loop3]
  %.26 = getelementptr float, ptr %.18, i64 %.25
  %.27 = load <16 x float>, ptr %.26, align 4
  %.28 = getelementptr float, ptr %.4, i64 %.25
  %.29 = load <16 x float>, ptr %.28, align 4
  %.30 = fmul <16 x float> %.27, %.29
  %.31 = fadd <16 x float> %.30, splat (float 0x3FF0000000000000)
  %.32 = getelementptr float, ptr %.20, i64 %.25
  store <16 x float> %.31, ptr %.32, align 4
  %.33 = add nuw nsw i64 %.25, 16
  %.34 = freeze i64 %.33
  %.35 = icmp slt i64 %.34, %.23
  br i1 %.35, label %loop3, label %end4
end4:
  %.36 = icmp slt i64 %.23, %.10
  br i1 %.36, label %loop5, label %end6
loop5:
  %.37 = phi i64 [%.23, %end4], [%.83, %end20]
  %.38 = sub i64 %.10, %.37
  %.39 = call i64 @llvm.umin.i64(i64 %.38, i64 8)
  %.40 = trunc i64 %.39 to i32
  %.41 = insertelement <8 x i32> poison, i32 %.40, i64 0
  %.42 = shufflevector <8 x i32> %.41, <8 x i32> poison, <8 x i32> zeroinitializer
  %.43 = icmp ult <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %.42
  %.44 = getelementptr float, ptr %.18, i64 %.37
  %.45 = icmp ne i64 %.39, 8
  br i1 %.45, label %then7, label %end8
then7:
  store <8 x float> zeroinitializer, ptr %.46, align 64
  %.47 = icmp slt i64 0, %.39
  br i1 %.47, label %loop9, label %end10
loop9:
  %.48 = phi i64 [0, %then7], [%.53, %loop9]
  %.49 = getelementptr float, ptr %.44, i64 %.48
  %.50 = load float, ptr %.49, align 4
  %.51 = getelementptr float, ptr %.46, i64 %.48
  store float %.50, ptr %.51, align 4
  %.52 = add nuw nsw i64 %.48, 1
  %.53 = freeze i64 %.52
  %.54 = icmp slt i64 %.53, %.39
  br i1 %.54, label %loop9, label %end10
end10:
  br label %end8
end8:
  %.55 = phi ptr [%.44, %loop5], [%.46, %end10]
  %.56 = load <8 x float>, ptr %.55, align 4
  %.57 = getelementptr float, ptr %.4, i64 %.37
  %.58 = icmp ne i64 %.39, 8
  br i1 %.58, label %then11, label %end12
then11:
  store <8 x float> zeroinitializer, ptr %.46, align 64
  %.59 = icmp slt i64 0, %.39
  br i1 %.59, label %loop13, label %end14
loop13:
  %.60 = phi i64 [0, %then11], [%.65, %loop13]
  %.61 = getelementptr float, ptr %.57, i64 %.60
  %.62 = load float, ptr %.61, align 4
  %.63 = getelementptr float, ptr %.46, i64 %.60
  store float %.62, ptr %.63, align 4
  %.64 = add nuw nsw i64 %.60, 1
  %.65 = freeze i64 %.64
  %.66 = icmp slt i64 %.65, %.39
  br i1 %.66, label %loop13, label %end14
end14:
  br label %end12
end12:
  %.67 = phi ptr [%.57, %end8], [%.46, %end14]
  %.68 = load <8 x float>, ptr %.67, align 4
  %.69 = fmul <8 x float> %.56, %.68
  %.70 = fadd <8 x float> %.69, splat (float 0x3FF0000000000000)
  %.71 = getelementptr float, ptr %.20, i64 %.37
  %.72 = icmp ne i64 %.39, 8
  br i1 %.72, label %then15, label %end16
then15:
  store <8 x float> %.70, ptr %.46, align 64
  %.73 = icmp slt i64 0, %.39
  br i1 %.73, label %loop17, label %end18
loop17:
  %.74 = phi i64 [0, %then15], [%.79, %loop17]
  %.75 = getelementptr float, ptr %.46, i64 %.74
  %.76 = load float, ptr %.75, align 4
  %.77 = getelementptr float, ptr %.71, i64 %.74
  store float %.76, ptr %.77, align 4
  %.78 = add nuw nsw i64 %.74, 1
  %.79 = freeze i64 %.78
  %.80 = icmp slt i64 %.79, %.39
  br i1 %.80, label %loop17, label %end18
end18:
  br label %end16
end16:
  %.81 = xor i1 %.72, true
  br i1 %.81, label %then19, label %end20
then19:
  store <8 x float> %.70, ptr %.71, align 4
  br label %end20
end20:
  %.82 = add nuw nsw i64 %.37, 8
  %.83 = freeze i64 %.82
  %.84 = icmp slt i64 %.83, %.10
  br i1 %.84, label %loop5, label %end6
end6:
  %.85 = add nuw nsw i64 %.16, 1
  %.86 = freeze i64 %.85
  %.87 = icmp slt i64 %.86, %hi
  br i1 %.87, label %loop1, label %end2
end2:
  ret i32 0
}
define i32 @run(ptr %args, i64 %lo, i64 %hi, ptr %scratch) #0 {
entry:
  %.1 = call i32 @kernel(ptr %args, i64 %lo, i64 %hi, ptr %scratch)
  ret i32 %.1
}
attributes #0 = { nounwind "prefer-vector-width"="256" }
!0 = !{}
