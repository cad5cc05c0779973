; kernel [j; i] x: float64[2], *o: float64[1]
;   for i:
;     r = add x[i, j]
;   once:
;     o[j] = r
;
; split j by 32, scratch (Scratch(bytes=4096, axes=()), Scratch(bytes=4096, axes=()))

target triple = "x86_64-unknown-linux-gnu"
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
declare void @llvm.masked.store.v8f64.p0(<8 x double>, ptr, i32, <8 x i1>)
declare <8 x double> @llvm.masked.load.v8f64.p0(ptr, i32, <8 x i1>, <8 x double>)
define internal i32 @kernel(ptr %args, i64 %lo, i64 %hi, ptr %scratch) #0 {
entry:
  %.121 = alloca <8 x double>, align 64
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
  %.11 = getelementptr i8, ptr %scratch, i64 0
  %.12 = getelementptr i8, ptr %scratch, i64 4096
  %.13 = icmp slt i64 %lo, %hi
  br i1 %.13, label %loop1, label %end2
loop1:
  %.14 = phi i64 [%lo, %entry], [%.137, %end16]
  %.15 = add i64 %.14, 512
  %.16 = call i64 @llvm.smin.i64(i64 %.15, i64 %hi)
  %.17 = icmp slt i64 %.14, %.16
  br i1 %.17, label %loop3, label %end4
loop3:
  %.18 = phi i64 [%.14, %loop1], [%.29, %loop3]
  %.19 = sub i64 %.16, %.18
  %.20 = call i64 @llvm.umin.i64(i64 %.19, i64 8)
  %.21 = sub i64 8, %.20
  %.22 = trunc i64 %.21 to i8
  %.23 = lshr i8 -1, %.22
  %.24 = bitcast i8 %.23 to <8 x i1>
  %.25 = sub i64 %.18, %.14
  %.26 = getelementptr double, ptr %.11, i64 %.25
  %.27 = getelementptr double, ptr %.12, i64 %.25
  call void @llvm.masked.store.v8f64.p0(<8 x double> splat (double 0x0000000000000000), ptr %.26, i32 8, <8 x i1> %.24)
  call void @llvm.masked.store.v8f64.p0(<8 x double> splat (double 0x0000000000000000), ptr %.27, i32 8, <8 x i1> %.24)
  %.28 = add nuw nsw i64 %.18, 8
  %.29 = freeze i64 %.28
  %.30 = icmp slt i64 %.29, %.16
  br i1 %.30, label %loop3, label %end4
end4:
  %.31 = icmp slt i64 0, %.8
  br i1 %.31, label %loop5, label %end6
loop5:
  %.32 = phi i64 [0, %end4], [%.107, %end12]
  %.33 = add i64 %.32, 16
  %.34 = call i64 @llvm.smin.i64(i64 %.33, i64 %.8)
  %.35 = sub i64 %.16, %.14
  %.36 = and i64 %.35, -32
  %.37 = add i64 %.14, %.36
  %.38 = icmp slt i64 %.14, %.37
  br i1 %.38, label %loop7, label %end8
loop7:
  %.39 = phi i64 [%.14, %loop5], [%.67, %end10]
  %.40 = sub i64 %.39, %.14
  %.41 = icmp slt i64 %.32, %.34
  br i1 %.41, label %loop9, label %end10
loop9:
  %.43 = phi i64 [%.32, %loop7], [%.50, %loop9]
  %.42 = phi <32 x double> [splat (double 0x0000000000000000), %loop7], [%.48, %loop9]
  %.44 = mul i64 %.43, %.10
  %.45 = getelementptr double, ptr %.2, i64 %.44
  %.46 = getelementptr double, ptr %.45, i64 %.39
  %.47 = load <32 x double>, ptr %.46, align 8
  %.48 = fadd <32 x double> %.42, %.47
  %.49 = add nuw nsw i64 %.43, 1
  %.50 = freeze i64 %.49
  %.51 = icmp slt i64 %.50, %.34
  br i1 %.51, label %loop9, label %end10
end10:
  %.52 = phi <32 x double> [splat (double 0x0000000000000000), %loop7], [%.48, %loop9]
  %.53 = getelementptr double, ptr %.11, i64 %.40
  %.54 = getelementptr double, ptr %.12, i64 %.40
  %.55 = load <32 x double>, ptr %.53, align 8
  %.56 = load <32 x double>, ptr %.54, align 8
  %.57 = fadd <32 x double> %.55, %.52
  %.58 = fsub <32 x double> %.57, %.55
  %.59 = fsub <32 x double> %.57, %.58
  %.60 = fsub <32 x double> %.55, %.59
  %.61 = fsub <32 x double> %.52, %.58
  %.62 = fadd <32 x double> %.60, %.61
  %.63 = fadd <32 x double> %.56, %.62
  %.64 = getelementptr double, ptr %.11, i64 %.40
  %.65 = getelementptr double, ptr %.12, i64 %.40
  store <32 x double> %.57, ptr %.64, align 8
  store <32 x double> %.63, ptr %.65, align 8
  %.66 = add nuw nsw i64 %.39, 32
  %.67 = freeze i64 %.66
  %.68 = icmp slt i64 %.67, %.37
  br i1 %.68, label %loop7, label %end8
end8:
  %.69 = icmp slt i64 %.37, %.16
  br i1 %.69, label %loop11, label %end12
loop11:
  %.70 = phi i64 [%.37, %end8], [%.104, %end14]
  %.71 = sub i64 %.16, %.70
  %.72 = call i64 @llvm.umin.i64(i64 %.71, i64 8)
  %.73 = sub i64 8, %.72
  %.74 = trunc i64 %.73 to i8
  %.75 = lshr i8 -1, %.74
  %.76 = bitcast i8 %.75 to <8 x i1>
  %.77 = sub i64 %.70, %.14
  %.78 = icmp slt i64 %.32, %.34
  br i1 %.78, label %loop13, label %end14
loop13:
  %.80 = phi i64 [%.32, %loop11], [%.87, %loop13]
  %.79 = phi <8 x double> [splat (double 0x0000000000000000), %loop11], [%.85, %loop13]
  %.81 = mul i64 %.80, %.10
  %.82 = getelementptr double, ptr %.2, i64 %.81
  %.83 = getelementptr double, ptr %.82, i64 %.70
  %.84 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %.83, i32 8, <8 x i1> %.76, <8 x double> zeroinitializer)
  %.85 = fadd <8 x double> %.79, %.84
  %.86 = add nuw nsw i64 %.80, 1
  %.87 = freeze i64 %.86
  %.88 = icmp slt i64 %.87, %.34
  br i1 %.88, label %loop13, label %end14
end14:
  %.89 = phi <8 x double> [splat (double 0x0000000000000000), %loop11], [%.85, %loop13]
  %.90 = getelementptr double, ptr %.11, i64 %.77
  %.91 = getelementptr double, ptr %.12, i64 %.77
  %.92 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %.90, i32 8, <8 x i1> %.76, <8 x double> zeroinitializer)
  %.93 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %.91, i32 8, <8 x i1> %.76, <8 x double> zeroinitializer)
  %.94 = fadd <8 x double> %.92, %.89
  %.95 = fsub <8 x double> %.94, %.92
  %.96 = fsub <8 x double> %.94, %.95
  %.97 = fsub <8 x double> %.92, %.96
  %.98 = fsub <8 x double> %.89, %.95
  %.99 = fadd <8 x double> %.97, %.98
  %.100 = fadd <8 x double> %.93, %.99
  %.101 = getelementptr double, ptr %.11, i64 %.77
  %.102 = getelementptr double, ptr %.12, i64 %.77
  call void @llvm.masked.store.v8f64.p0(<8 x double> %.94, ptr %.101, i32 8, <8 x i1> %.76)
  call void @llvm.masked.store.v8f64.p0(<8 x double> %.100, ptr %.102, i32 8, <8 x i1> %.76)
  %.103 = add nuw nsw i64 %.70, 8
  %.104 = freeze i64 %.103
  %.105 = icmp slt i64 %.104, %.16
  br i1 %.105, label %loop11, label %end12
end12:
  %.106 = add nuw nsw i64 %.32, 16
  %.107 = freeze i64 %.106
  %.108 = icmp slt i64 %.107, %.8
  br i1 %.108, label %loop5, label %end6
end6:
  %.109 = icmp slt i64 %.14, %.16
  br i1 %.109, label %loop15, label %end16
loop15:
  %.110 = phi i64 [%.14, %end6], [%.134, %end20]
  %.111 = sub i64 %.16, %.110
  %.112 = call i64 @llvm.umin.i64(i64 %.111, i64 8)
  %.113 = sub i64 8, %.112
  %.114 = trunc i64 %.113 to i8
  %.115 = lshr i8 -1, %.114
  %.116 = bitcast i8 %.115 to <8 x i1>
  %.117 = sub i64 %.110, %.14
  %.118 = getelementptr double, ptr %.11, i64 %.117
  %.119 = getelementptr double, ptr %.12, i64 %.117
  %.120 = icmp ne i64 %.112, 8
  br i1 %.120, label %then17, label %end18
then17:
  %.122 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %.118, i32 8, <8 x i1> %.116, <8 x double> zeroinitializer)
  store <8 x double> %.122, ptr %.121, align 64
  br label %end18
end18:
  %.123 = phi ptr [%.118, %loop15], [%.121, %then17]
  %.124 = load <8 x double>, ptr %.123, align 8
  %.125 = icmp ne i64 %.112, 8
  br i1 %.125, label %then19, label %end20
then19:
  %.126 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %.119, i32 8, <8 x i1> %.116, <8 x double> zeroinitializer)
  store <8 x double> %.126, ptr %.121, align 64
  br label %end20
end20:
  %.127 = phi ptr [%.119, %end18], [%.121, %then19]
  %.128 = load <8 x double>, ptr %.127, align 8
  %.129 = fcmp ord <8 x double> %.128, %.128
  %.130 = fadd <8 x double> %.124, %.128
  %.131 = select <8 x i1> %.129, <8 x double> %.130, <8 x double> %.124
  %.132 = getelementptr double, ptr %.4, i64 %.110
  call void @llvm.masked.store.v8f64.p0(<8 x double> %.131, ptr %.132, i32 8, <8 x i1> %.116)
  %.133 = add nuw nsw i64 %.110, 8
  %.134 = freeze i64 %.133
  %.135 = icmp slt i64 %.134, %.16
  br i1 %.135, label %loop15, label %end16
end16:
  %.136 = add nuw nsw i64 %.14, 512
  %.137 = freeze i64 %.136
  %.138 = icmp slt i64 %.137, %hi
  br i1 %.138, label %loop1, label %end2
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
