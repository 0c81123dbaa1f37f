# ruff: noqa: E501  (one family of cases to a line)
"""Every registered function gives NumPy's value, shape and dtype. Each case is an expression, evaluated on both."""

import re

import numpy as np
import pytest
from random_graphs import assert_same_bits

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.constants import constant
from tapec.eager_mode import eager
from tapec.function import function
from tapec.function_recorder import FunctionRecorder
from tapec.recording import active
from tapec.structure import flatten
from tapec.surface import filling
from tapec.tensor import Tensor
from tapec.transforms import grad

CASES = """
np.sum(x); np.sum(x, axis=0); np.sum(x, axis=(0, -1), keepdims=True); np.sum(i); np.sum(b); np.sum(i, dtype=np.float32)
np.sum(x, axis=1, where=b); np.sum(x, initial=2.0); np.sum(s); np.sum(e); np.sum(e, axis=0); np.sum(x, axis=())
np.prod(x); np.prod(i, axis=1); np.prod(e, axis=1); np.prod(x, axis=0, where=b, initial=3.0); np.prod(b)
np.max(x); np.max(x, 1); np.amax(i, axis=0, keepdims=True); np.max(n); np.max(e, axis=1, initial=0.0) ; np.max(b, axis=0)
np.min(x); np.amin(x, axis=(0, 1)); np.min(i, axis=-1); np.min(x, initial=0.5, where=b); np.ptp(x); np.ptp(i, axis=1)
np.any(b); np.any(x, axis=0); np.all(b, axis=1, keepdims=True); np.all(i); np.any(e); np.all(e, axis=1)
np.any(x, axis=1, where=b); np.all(x, where=b); np.count_nonzero(x); np.count_nonzero(i, axis=0); np.count_nonzero(b, axis=1, keepdims=True)
np.argmax(x); np.argmax(x, axis=1); np.argmin(x, axis=0, keepdims=True); np.argmin(i); np.argmax(x, keepdims=True)
np.add.reduce(x); np.add.reduce(i, axis=1); np.multiply.reduce(x, axis=None); np.maximum.reduce(x, 1, keepdims=True)
np.minimum.reduce(x); np.logical_and.reduce(b); np.logical_or.reduce(b, axis=1); np.add.reduce(x, axis=(0, 1))
np.multiply.outer(v, w); np.subtract.outer(x, v); np.add.accumulate(x); np.add.accumulate(x, axis=1)
np.multiply.accumulate(v); np.maximum.accumulate(x, axis=1); np.minimum.accumulate(x); np.logaddexp.accumulate(v)
np.logaddexp2.accumulate(v); np.logaddexp.reduce(x); np.logaddexp.reduce(e); np.logaddexp.reduce(e, axis=None); np.logaddexp2.reduce(x, 1, keepdims=True); np.fmax.accumulate(n, 1); np.fmin.accumulate(n)
np.cumsum(x); np.cumsum(x, axis=1); np.cumsum(i, 0); np.cumsum(b); np.cumprod(x); np.cumprod(i, axis=1); np.cumprod(e, axis=0)
np.cumulative_sum(v); np.cumulative_sum(x, axis=1, include_initial=True); np.cumulative_prod(x, axis=0)
np.nancumsum(n); np.nancumsum(n, axis=0); np.nancumprod(n, axis=1)
np.diff(v); np.diff(x, n=2, axis=0); np.diff(i); np.diff(b); np.diff(v, prepend=0.0, append=v); np.diff(v, n=9); np.ediff1d(v, to_begin=0.0)
np.trapezoid(v); np.trapezoid(x, dx=0.5, axis=0); np.trapezoid(x, v); np.gradient(v); np.gradient(x, 2.0)[1]; np.gradient(x, axis=1)
np.gradient(v, q); np.gradient(v, edge_order=2); np.gradient(v, q, edge_order=2)
np.mean(x); np.mean(i); np.mean(b, axis=0); np.mean(x, axis=1, keepdims=True); np.mean(x, where=b); np.mean(x, axis=0, dtype=np.float64)
np.var(x); np.var(x, axis=0, ddof=1); np.std(x, axis=1, keepdims=True); np.std(i); np.var(x, where=b); np.std(s); np.var(i, axis=0)
np.average(x); np.average(x, weights=p); np.average(x, axis=0, weights=w); np.average(x, axis=1, returned=True)[1]; np.average(i, axis=0)
np.median(x); np.median(x, axis=0); np.median(n, axis=1); np.median(i, axis=1, keepdims=True)
np.percentile(x, 30); np.percentile(x, [0, 25, 100], axis=1); np.quantile(x, 0.7, axis=0, keepdims=True); np.quantile(v, [[0.0], [1.0]])
np.nanpercentile(n, 40); np.nanquantile(n, 0.25, axis=0); np.nanmedian(n, axis=1)
np.nansum(n); np.nansum(n, axis=0); np.nanprod(n, axis=1); np.nanmean(n); np.nanmean(n, axis=0); np.nanvar(n, axis=1); np.nanstd(n)
np.nanmax(n, axis=0); np.nanmin(n); np.nanmax(i); np.nanmin(n, axis=1, keepdims=True)
np.cov(x); np.cov(x, rowvar=False, ddof=0); np.cov(v, v * v); np.corrcoef(x); np.corrcoef(v)
np.reshape(x, (4, -1)); np.reshape(x, -1); np.reshape(s, (1, 1)); np.reshape(x, (2, 6), order="F"); np.reshape(e, (4, 0)); np.ravel(x); np.ravel(x, order="F")
np.transpose(A); np.transpose(A, (1, 2, 0)); np.transpose(A, (-1, 0, 1)); np.permute_dims(x); np.matrix_transpose(A); np.linalg.matrix_transpose(A)
np.swapaxes(A, 0, 2); np.moveaxis(A, 0, -1); np.moveaxis(A, (0, 1), (2, 0)); np.rollaxis(A, 2); np.rollaxis(A, 0, 3); np.rollaxis(A, 1, -1)
np.expand_dims(x, 1); np.expand_dims(x, (0, -1)); np.squeeze(A[:1]); np.squeeze(A[:, :1], axis=1); np.squeeze(A[:1, :1], (0, 1))
np.broadcast_to(v, (3, 4)); np.broadcast_to(s, (2, 2)); np.broadcast_to(s, 3); np.broadcast_arrays(x, v, s)[1]; np.meshgrid(v, w)[0]; np.meshgrid(v, w)[1]
np.meshgrid(v, w, q, indexing="ij")[2]; np.meshgrid(v, w, sparse=True)[0]; np.flip(x); np.flip(A, (0, 2)); np.fliplr(x); np.flipud(x); np.flip(e, 0)
np.rot90(x); np.rot90(x, 2); np.rot90(A, 3, (1, 2)); np.rot90(x, -3); np.rot90(x, 4); np.roll(x, 1); np.roll(x, -1, axis=0); np.roll(x, (1, 2), axis=(0, 1)); np.roll(x, 7, axis=1)
np.tile(x, 2); np.tile(v, (2, 1, 3)); np.tile(A, (2, 1)); np.repeat(x, 2); np.repeat(x, 3, axis=1); np.repeat(x, [0, 2, 1], axis=0); np.resize(x, (5, 4))
np.astype(x, np.int32); np.astype(i, np.float32); np.astype(b, np.int8); np.copy(x); np.atleast_1d(s); np.atleast_2d(v); np.atleast_3d(x); np.atleast_1d(s, v)[0]; np.atleast_3d(s); np.atleast_3d(v)
np.concatenate([x, y]); np.concatenate([x, i], axis=1); np.concat([x, x], axis=None); np.concatenate([x, y], axis=-1, dtype=np.float64); np.concatenate([b, i])
np.stack([v, v]); np.stack([x, y], axis=-1); np.stack([s, s]); np.stack([i, x], 1); np.hstack([v, w]); np.hstack([x, y]); np.vstack([v, v]); np.dstack([x, y]); np.dstack([v, v]); np.column_stack([w, x])
np.block([[x, x], [y, y]]); np.block([v, w]); np.append(x, v); np.append(x, y, axis=0); np.insert(v, 1, 5.0); np.insert(x, [0, 2], 1.0, axis=0); np.insert(x, 1, v, axis=0); np.insert(x, 1, 2.5, axis=1)
np.delete(x, 1, axis=0); np.delete(v, [0, 2]); np.delete(x, slice(1, 3), axis=1)
np.split(x, 2, axis=1)[1]; np.split(v, [1, 3])[2]; np.array_split(v, 3)[0]; np.array_split(x, [1], axis=0)[1]; np.hsplit(x, 2)[0]; np.vsplit(x, 3)[2]; np.dsplit(A, 2)[1]; np.unstack(x)[1]; np.unstack(A, axis=2)[3]
np.pad(x, 1); np.pad(x, ((1, 0), (0, 2)), constant_values=2.0); np.pad(v, 2, mode="edge"); np.pad(v, (1, 2), mode="reflect"); np.pad(x, 1, mode="symmetric"); np.pad(v, 5, mode="wrap"); np.pad(x, ((1, 2),), constant_values=((1.0, 3.0),))
np.take(x, [0, 2]); np.take(x, [0, -1], axis=0); np.take(x, 1, axis=1); np.take(v, [[0, 9], [-7, 2]], mode="wrap"); np.take(v, [9, -7], mode="clip"); np.take(v, j); np.take(x, [], axis=0)
np.take_along_axis(x, i % 3, axis=0); np.take_along_axis(x, np.argsort(x, axis=1), axis=1); np.take_along_axis(x, np.argsort(x, axis=None), axis=None); np.take_along_axis(A, np.array([[[1]]]), 2)
np.compress([True, False, True], x, axis=0); np.compress(c, v); np.extract(b, x); np.nonzero(x > 0)[1]; np.flatnonzero(b); np.argwhere(b)
np.choose(j % 2, [v, -v]); np.choose(j, [v, -v], mode="clip"); np.choose(j, [v, -v, s], mode="wrap"); np.choose(1, [v, -v])
np.diagonal(x); np.diagonal(A, 1, 0, 2); np.diagonal(A, -1, 2, 1); np.linalg.diagonal(A); np.trace(x); np.trace(A, 0, 1, 2); np.trace(i); np.linalg.trace(A, offset=1); np.diag(x, 1); np.diag(v); np.diag(v, 1); np.diag(v, -2); np.diagflat(x)
np.lib.stride_tricks.sliding_window_view(x, 2, axis=1); np.tril(x); np.triu(x, 1); np.tril(A, -1); np.triu(v); np.tril(i); np.vander(v); np.vander(v, 3, increasing=True); np.vander(j)
x @ m; np.matmul(x, m); np.matmul(A, B); np.matmul(A, B[0]); np.matmul(A[0], B); np.matmul(v, m); np.matmul(x, v); np.matmul(v, v); np.matmul(A, v); np.matmul(w, A); np.matmul(i, i.T); np.matmul(b, b.T); np.linalg.matmul(x, m); np.matmul(A[:, None], B[None]); np.matmul(e, m); np.matmul(e.T, e)
np.dot(x, m); np.dot(v, v); np.dot(s, x); np.dot(A, B[0]); np.dot(A, B); np.dot(x, v); np.dot(w, x); np.dot(i, j); np.vdot(x, x); np.inner(x, y); np.inner(v, v); np.inner(s, v); np.inner(A, x); np.outer(v, x); np.linalg.outer(v, w)
np.vecdot(x, v); np.matvec(A, v); np.vecmat(w, A); np.linalg.vecdot(x, y, axis=0); np.tensordot(A, m, 1); np.tensordot(A, B, axes=([1, 2], [2, 1])); np.tensordot(v, w, 0); np.tensordot(A, A, 3); np.linalg.tensordot(x, m, axes=1); np.tensordot(x, y, axes=(0, 0))
np.kron(x, v); np.kron(v, x); np.cross(x[:, :3], y[:, :3]); np.cross(x, y, axis=0); np.linalg.cross(x[:, 1:], y[:, :3]); np.linalg.multi_dot([x, m, m.T]); np.linalg.matrix_power(x[:, :3], 3); np.linalg.matrix_power(x[:, :3], 0)
np.einsum("ij,jk", x, m); np.einsum("ij->ji", x); np.einsum("ij->", x); np.einsum("ii->i", x[:, :3]); np.einsum("ii", x[:, :3]); np.einsum("bij,bjk->bik", A, B); np.einsum("...ij,...jk->...ik", A, B)
np.einsum("i,i", v, v); np.einsum("i,j->ij", v, w); np.einsum("ij,j->i", x, v); np.einsum("ij,ij->j", x, y); np.einsum("bij,jk,bkl->bl", A, m[:, :3], B[:, :, :2][:, :3]); np.einsum(x, [0, 1], m, [1, 2], [0, 2]); np.einsum("ij,kj->ik", i, i); np.einsum("...,...", x, v); np.einsum("b...,...->...", A, x); np.einsum("iij->ij", A[:, :2]); np.einsum("i,->i", v, s); np.einsum("ijk,ijl,j->kl", A, A, w); np.einsum("ij,ij->ij", b, b); np.einsum("ba,ca->cb", x, x[:1])
np.linalg.norm(x); np.linalg.norm(v, 1); np.linalg.norm(v, np.inf); np.linalg.norm(v, -np.inf); np.linalg.norm(v, 3); np.linalg.norm(v, 0); np.linalg.norm(x, axis=1); np.linalg.norm(x, 1); np.linalg.norm(x, np.inf); np.linalg.norm(x, -1); np.linalg.norm(x, "fro", axis=(0, 1), keepdims=True); np.linalg.norm(A, axis=(1, 2)); np.linalg.norm(A, np.inf, (2, 0)); np.linalg.norm(i)
np.linalg.vector_norm(x); np.linalg.vector_norm(x, axis=0, ord=1); np.linalg.matrix_norm(A); np.linalg.matrix_norm(A, ord=1); np.linalg.norm(x, 2); np.linalg.norm(A, -2, (2, 0), keepdims=True); np.linalg.norm(x, "nuc"); np.linalg.matrix_norm(A, ord="nuc", keepdims=True)
np.linalg.solve(S, w); np.linalg.solve(S, x); np.linalg.solve(T, x); np.linalg.solve(T, w); np.linalg.solve(i[:, :3] + 20 * np.eye(3), w); np.linalg.inv(S); np.linalg.inv(T); np.linalg.inv(e @ e.T); np.linalg.matrix_power(T, -3)
np.linalg.det(S); np.linalg.det(T); np.linalg.det(x[:2, :2] * 0); np.linalg.det(e @ e.T); np.linalg.slogdet(T); np.linalg.slogdet(-S); np.linalg.slogdet(S * 0); np.linalg.slogdet(e @ e.T)
np.linalg.cholesky(S); np.linalg.cholesky(T); np.linalg.cholesky(S, upper=True); np.linalg.qr(x)[1]; np.linalg.qr(x); np.linalg.qr(m); np.linalg.qr(A); np.linalg.qr(x.T, "r"); np.linalg.qr(x, "complete"); np.linalg.qr(e.T); np.linalg.qr(e)
np.linalg.eigh(S)[0]; np.linalg.eigh(T, "U").eigenvalues; np.linalg.eigvalsh(T); np.linalg.eigvals(S); np.linalg.eigvals(T @ R); np.linalg.eig(R)[0]; np.linalg.eig(R).eigenvectors; np.linalg.eigvals(e @ e.T)
np.linalg.svd(x, full_matrices=False)[1]; np.linalg.svd(A, False)[1]; np.linalg.svd(S).S; np.linalg.svd(x, compute_uv=False); np.linalg.svdvals(A); np.linalg.svdvals(e); np.linalg.svd(x, full_matrices=False)
np.linalg.pinv(x); np.linalg.pinv(A); np.linalg.pinv(x.T, 0.5); np.linalg.pinv(x, rtol=None); np.linalg.pinv(e); np.linalg.lstsq(x.T, v)[0]; np.linalg.lstsq(x.T, y.T)[1]; np.linalg.lstsq(x, w)[0]; np.linalg.lstsq(x, w)[1]; np.linalg.lstsq(x, y)[3]
np.linalg.matrix_rank(x); np.linalg.matrix_rank(v); np.linalg.matrix_rank(A, tol=1.5); np.linalg.matrix_rank(x, rtol=0.5); np.linalg.cond(S); np.linalg.cond(x); np.linalg.cond(x, -2); np.linalg.cond(T, 1); np.linalg.cond(T, "fro"); np.linalg.cond(S * 0)
np.linalg.tensorsolve(S[:, :, None], w); np.linalg.tensorsolve(np.moveaxis(S[:, :, None], 0, 1), w, axes=(0,)); np.linalg.tensorinv(S, 1); np.linalg.tensorinv(np.reshape(np.kron(S, S), (9, 3, 3)), 1)
np.fft.fft(x); np.fft.fft(v, 6); np.fft.fft(x, 3, 0, "ortho"); np.fft.ifft(x, norm="forward"); np.fft.ifft(A, axis=1); np.fft.fft(np.fft.fft(v)); np.fft.rfft(x); np.fft.rfft(v, 7); np.fft.rfft(x, axis=0, norm="ortho"); np.fft.rfft(i); np.fft.irfft(np.fft.rfft(x)); np.fft.irfft(v, 5); np.fft.irfft(x, norm="forward")
np.fft.hfft(np.fft.fft(x)); np.fft.hfft(x, 5, norm="ortho"); np.fft.ihfft(x); np.fft.ihfft(v, 3, norm="forward"); np.fft.fft2(A); np.fft.ifft2(A, s=(2, 5), axes=(0, 1)); np.fft.fftn(A, norm="ortho"); np.fft.fftn(A, axes=(0, 2)); np.fft.ifftn(np.fft.fftn(A)); np.fft.rfft2(A); np.fft.rfftn(A, norm="forward"); np.fft.irfft2(np.fft.rfft2(A)); np.fft.irfftn(A, s=(3, 4), axes=(1, 2))
np.bincount(j); np.bincount(j, v); np.bincount(j[:2], minlength=9); np.bincount(j[:0]); np.bincount(j, j)
np.fft.fftshift(x); np.fft.fftshift(v); np.fft.ifftshift(A, axes=(0, 2)); np.fft.ifftshift(v); np.fft.fftshift(np.fft.fft(v)); np.fft.fftshift(x, 1)
np.sort(x); np.sort(x, axis=0); np.sort(x, axis=None); np.sort(n); np.argsort(x); np.argsort(x, axis=0); np.argsort(v, kind="stable"); np.searchsorted(q, v); np.searchsorted(q, x, side="right"); np.searchsorted(q, 1.0); np.searchsorted(j[:0], j); np.searchsorted(v, x, sorter=np.argsort(v)); np.digitize(x, q); np.digitize(v, q[::-1]); np.digitize(v, q, right=True)
np.partition(x, 2)[:, 2]; np.partition(x, (1, -1), axis=0)[1]; np.partition(n, 3, axis=None)[3]; np.argpartition(v, 1)[1]; np.argpartition(x, -1, axis=1)[:, -1]
np.unique(i); np.unique(j, return_index=True, return_inverse=True, return_counts=True); np.unique(i, return_counts=True)[1]; np.unique(b); np.unique(e); np.unique(x, return_inverse=True)[1]
np.unique(n); np.unique(n, equal_nan=False); np.unique(s)
np.histogram(v, 3); np.histogram(x, 4, (-1.0, 1.5)); np.histogram(x, q); np.histogram(i, 5); np.histogram(x, weights=y); np.histogram(x, q, density=True); np.histogram(j, [0, 1, 3]); np.histogram(e, 2); np.histogram(v * 0, 2); np.histogram_bin_edges(x, 3); np.histogram(i, weights=k)
np.add.reduceat(v, [0, 2]); np.add.reduceat(x, [1, 0, 2], axis=1); np.add.reduceat(i, j, axis=1); np.add.reduceat(b, [0, 1]); np.multiply.reduceat(x, [2, 0]); np.maximum.reduceat(v, [1, 3, 0]); np.minimum.reduceat(A, [0, 0, 2], -1); np.add.reduceat(x, [0, 1], dtype=np.float64); np.add.reduceat(v, j[:0])
x.flat[:]; A.flat[5]; x.T.flat[1:4]
np.interp(x, q, v); np.interp(v, q, v, left=-5.0, right=7.0); np.interp(q, q, v)
np.where(b, x, y); np.where(b, x, 0); np.where(i, x, v); np.where(b, i, x); np.where(b)[0]; np.where(c, 1, 2.0); np.select([b, ~b], [x, y], default=3.0); np.select([x > 0, x > -1], [x, i])
np.clip(x, -0.5, 0.5); np.clip(i, 1, None); np.clip(x, None, v); np.clip(x, min=0.1, max=s); np.clip(n, 0, 1); np.clip(i, -0.5, 2.5)
np.nan_to_num(n); np.nan_to_num(z, nan=1.0, posinf=9.0, neginf=-9.0); np.nan_to_num(i); np.fix(x); np.round(x, 2); np.around(x); np.round(i, -1); np.round(x * 100, -1); np.real(x); np.imag(x); np.angle(x); np.angle(x, deg=True); np.real_if_close(x); np.iscomplex(x); np.isreal(x); np.isneginf(z); np.isposinf(z)
np.sinc(x); np.sinc(np.array(0.0) * s); np.sinc(i); np.unwrap(x * 9); np.unwrap(q * 5, discont=4.0); np.polyval(v, x); np.polyval(v, 2.0); np.polyder(v); np.polyder(v, 2); np.polyint(v); np.polyint(v, 2, k=[1.0, 2.0]); np.polyadd(v, w); np.polysub(w, v); np.polymul(v, w)
np.poly(v); np.poly(j); np.poly(S); np.poly(v[:0]); np.polydiv(v, w); np.polydiv(w[:2], v)[1]; np.polyfit(q, v, 2); np.polyfit(q, x.T, 1); np.polyfit(q, v, 1, w=abs(v)); np.roots(np.array([1.0, -6.0, 11.0, -6.0]) * abs(s)); np.roots(np.array([2.0, 0.0, 1.0]) * abs(s))
np.roots(np.array([0.0, 1.0, -3.0, 2.0, 0.0]) * abs(s)); np.roots(v[:1]); np.trim_zeros(np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0]) * s); np.trim_zeros(np.array([0.0, 3.0, 0.0]) * s, "b")
np.apply_along_axis(lambda r: r * r[0], 0, x); np.apply_along_axis(np.sum, 1, A); np.apply_along_axis(lambda r: np.outer(r, r), 1, x); np.apply_along_axis(lambda r, k: r[:k], -1, A, k=2); np.apply_over_axes(np.sum, A, [0, 2]); np.apply_over_axes(np.max, x, 1)
np.piecewise(x, [x < 0, x >= 1], [lambda t: -t, lambda t: t * t]); np.piecewise(v, [v < 0, v > 0.5], [-1.0, 1.0, lambda t: t]); np.piecewise(s, s < 0, [lambda t: -t, lambda t: t + 1]); np.piecewise(j, j > 1, [2.9, 1])
np.convolve(v, w); np.convolve(w, v, "same"); np.convolve(v, w, "valid"); np.correlate(v, w); np.correlate(w, v, "full"); np.correlate(v, w, "same")
np.zeros_like(x); np.ones_like(i); np.where(np.zeros(x.shape, bool), np.empty_like(x), 0); np.full_like(x, 2); np.full_like(i, s); np.full_like(x, v, dtype=np.float32); np.zeros_like(x, shape=(2,), dtype=int); np.zeros(3, like=x); np.ones((2, 2), like=x); np.empty(0, like=x); np.eye(3, like=x); np.identity(2, like=x); np.arange(5, like=x); np.tri(3, like=x); np.full((2, 2), 3.0, like=x); np.frombuffer(b"12345678", like=x); np.fromiter([1, 2], int, like=x)
np.array(x, like=x); np.asarray(x, np.float32, like=x); np.asanyarray(x, like=x); np.ascontiguousarray(x, like=x); np.asfortranarray(x, like=x); np.require(x, like=x)
np.linspace(s, 3.0, 5); np.linspace(v, 2.0, 4, axis=-1); np.linspace(s, 1.0, 4, endpoint=False); np.linspace(s, 9, 3, dtype=int); np.linspace(s, 3.0, 5, retstep=True)[1]; np.logspace(s, 2.0, 3); np.geomspace(abs(s), 8.0, 4)
np.shape(x); np.ndim(x); np.size(x); np.size(x, 1); np.result_type(x, i); np.can_cast(x, np.float64); np.min_scalar_type(x); np.common_type(x, i); np.iscomplexobj(x); np.isrealobj(x); np.may_share_memory(x, y); np.shares_memory(x, y)
np.array_repr(v); np.array_str(v); np.array2string(x, precision=2); np.einsum_path("ij,jk", x, m)[0]
np.isclose(x, x + 1e-9); np.isclose(n, n, equal_nan=True); np.allclose(x, x); np.allclose(x, y); np.array_equal(x, x); np.array_equal(x, v); np.array_equal(n, n, equal_nan=True); np.array_equiv(v, v[None]); np.array_equiv(v, w); np.isin(i, [1, 3]); np.isin(i, j, invert=True)
x.sum(0); x.prod(axis=1, keepdims=True); x.mean(); x.var(ddof=1); x.std(0); x.max(1); x.min(); b.any(0); b.all(); x.argmax(1); x.argmin(); x.cumsum(1); x.cumprod(); x.reshape(2, 6); x.reshape((6, 2)); x.reshape(-1); A.transpose(); A.transpose(1, 0, 2); A.transpose((2, 1, 0)); x.T; A.mT; x.ravel(); x.flatten(); A[:1].squeeze(0); x.swapaxes(0, 1); x.repeat(2, 1); x.take([1, 2], axis=1); x.compress([True, False, True], axis=0); (j % 2).choose([v, -v]); x.diagonal(1); x.trace(); x.dot(m); x.clip(0, 1); x.round(1); x.argsort(0); b.nonzero()[0]; x.astype(np.float32); x.astype(int); x.copy(); x.conj(); abs(x); divmod(x, y)[0]; -x; +x; ~b; ~i
np.nansum(b); np.nanprod(b, axis=0); np.nancumsum(b); np.nancumprod(b, axis=1); np.nanmax(b); np.tril(b); np.triu(b, 1); np.diag(b[0]); np.median(e, axis=0); np.median(e[0:0]); np.nanmedian(e, axis=0); np.repeat(s, 3, axis=0); np.unwrap(e, axis=0); np.unwrap(v[:0]); np.trapezoid(v[:0]); np.trapezoid(e, axis=0)
np.sum(s, axis=0); np.max(s, axis=-1, keepdims=True); np.argmax(s, axis=0); np.argmin(s, -1, keepdims=True); np.cumsum(s, axis=0); np.argsort(s); np.ptp(s, axis=0)
np.gradient(z[::-1]); np.searchsorted(np.sort(z), z); np.searchsorted(np.sort(z), z, side="right"); np.searchsorted(z[3:], z); np.digitize(z, q); np.nan_to_num(b)
x + y; x - v; 2 - x; x * 3; 1 / p; x / i; x // 0.3; -x // y; x % 0.3; x % -y; i % 3; i // -2; 7 // k; divmod(i, k)[1]; divmod(7.5, p)[1]; x ** 2; x ** 3; p ** 0.5; p ** -1; p ** 1.7; 2 ** x; p ** y; i ** 2; i ** 0; x ** 0; x ** 1; k ** (j % 4); x ** -3; p ** -0.5; p ** 40; b + b; b * b; b & c; b | c; b ^ c; i & 3; i | 8; i ^ j; i << 2; i >> 1; k << k; -i >> k; i << 70; -i >> 70; x < y; x <= 0; x == x; i != j; 0 > x; x >= v; i < 2.5; b == 1; v @ v; x[0] @ m; [1.0, 2.0, 3.0, 4.0] * x; x @ [1, 2, 3, 4]; np.arange(4) - x; np.float32(3) * x; np.float64(3) * x; np.int8(3) + i
"""

LINES = [[text.strip() for text in line.split(";") if text.strip()] for line in CASES.strip().splitlines()]
EXPRESSIONS = [expression for line in LINES for expression in line]


def values(dtype):
    rng = np.random.default_rng(7)

    def real(*shape):
        return rng.normal(size=shape).astype(dtype)

    found = {
        "x": real(3, 4), "y": real(3, 4), "v": real(4), "w": real(3), "s": real(), "m": real(4, 5), "A": real(2, 3, 4),
        "B": real(2, 4, 3), "e": real(0, 4), "i": rng.integers(-4, 9, (3, 4)), "j": np.array([1, 3, 0, 2]),
        "k": rng.integers(1, 7, (3, 4)), "b": np.array(rng.random((3, 4)) < 0.6), "c": np.array([True, False, True, True]),
        "q": np.array([-1.0, -0.2, 0.4, 1.5], dtype),
    }  # fmt: skip
    found["S"] = (found["x"] @ found["x"].T + np.eye(3)).astype(dtype)
    found["T"] = np.stack([found["S"] + np.eye(3, dtype=dtype), 2 * np.eye(3, dtype=dtype) + 1])
    found["R"] = np.array([[0.0, -1.0, 0.2], [1.0, 0.1, 0.0], [0.3, 0.0, 1.0]], dtype)
    found["p"] = np.abs(found["x"]) + dtype(0.1)
    found["n"] = found["x"].copy()
    found["n"][0, 1] = found["n"][2, 3] = np.nan
    found["z"] = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.5], dtype)
    return found


def agree(got, want, eps_factor=32):
    if isinstance(want, (tuple, list)) and not isinstance(want, str):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            agree(g, w, eps_factor)
        return
    if not isinstance(want, (np.ndarray, np.generic)):
        assert got == want
        return
    if isinstance(got, Tensor):
        assert got.dtype == want.dtype
        got = got._array
    got = np.asarray(got)
    assert got.shape == want.shape
    if want.dtype.kind == "c":
        assert got.dtype == want.dtype
        agree(got.real, want.real, 8 * eps_factor)
        agree(got.imag, want.imag, 8 * eps_factor)
        return
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    eps = np.finfo(want.dtype).eps
    finite = want[np.isfinite(want)]
    scale = float(np.abs(finite).max()) if finite.size else 0.0
    np.testing.assert_allclose(got, want, rtol=eps_factor * eps, atol=4 * eps * scale)


def evaluate(expression, dtype, lifted, declare=lambda _: None):
    arrays = values(dtype)
    names = {name: constant(array) if lifted else array for name, array in arrays.items()}
    if lifted:
        for tensor in names.values():
            declare(tensor)
    with np.errstate(all="ignore"):
        return eval(expression, {"np": np, **names})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_value_shape_and_dtype_are_numpys(expression, dtype):
    agree(evaluate(expression, dtype, lifted=True), evaluate(expression, dtype, lifted=False))


def leaks(expression, dtype):
    """Whether its result, or the size of it, has to be known to plain Python."""
    recorder = FunctionRecorder("f")
    with active(recorder):
        found = evaluate(expression, dtype, lifted=True, declare=recorder.add_argument)
        recorder.finish([t for t in flatten(found)[0] if isinstance(t, Tensor)])
    return recorder.leaked is not None


@pytest.mark.parametrize("number", range(len(LINES)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_compiled_results_have_the_bits_of_eager_ones(number):
    dtype = (np.float64, np.float32)[number % 2]
    expressions = [e for e in LINES[number] if not leaks(e, dtype)]

    names, arrays = zip(*values(dtype).items(), strict=True)

    @function(strict=True)
    def all_of_them(*args):
        return [eval(expression, {"np": np, **dict(zip(names, args, strict=True))}) for expression in expressions]

    with eager():
        expected = flatten(all_of_them(*arrays))[0]
    for _ in range(3):  # recorded, compiled, by the native entry
        found = flatten(all_of_them(*arrays))[0]
        assert [type(x) for x in found] == [type(x) for x in expected]
        assert_same_bits(*([x for x in xs if isinstance(x, np.ndarray | np.generic)] for xs in (found, expected)))
    assert all_of_them.recordings == all_of_them.compiles == 1


def test_every_registered_function_has_a_case():
    named = set()
    for dotted in re.findall(r"np\.([a-z_0-9.]+)", CASES):
        owner = np
        for part in dotted.strip(".").split("."):
            previous, owner = owner, getattr(owner, part, None)
        if dotted.endswith((".reduce", ".accumulate")):
            named.add((previous, dotted.rpartition(".")[2]))
        elif dotted.endswith((".outer", ".reduceat")):
            named.add((np.ufunc, dotted.rpartition(".")[2]))
        named.add(owner)
    # test_ufuncs.py has the ufuncs, and test_filling.py what writes to its first argument
    missing = [
        f
        for f, meaning in NUMPY_FUNCTIONS.items()
        if f not in named and not isinstance(f, np.ufunc) and meaning.__module__ != filling.__name__
    ]
    assert missing == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_interp_at_a_knot_beside_what_is_not_finite(bad):
    knots, values, at = np.arange(4.0), np.array([5.0, 6.0, bad, 8.0]), np.array([0.0, 0.5, 1.0, 3.0])
    interpolated = function(lambda x, f: np.interp(x, knots, f))
    for _ in range(2):
        np.testing.assert_array_equal(interpolated(at, values), np.interp(at, knots, values))
    slope = grad(lambda x, f: np.sum(np.interp(x, knots, f)))(at[:2], values)
    np.testing.assert_array_equal(slope, [1.0, 1.0])
