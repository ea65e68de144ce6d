// SPDX-License-Identifier: Apache-2.0

internal import CZstd

/// Makes zstd frames (RFC 8878), each with its size in front and a checksum behind.
///
/// Keeps libzstd's context from frame to frame, which saves most of the cost of small ones; one user at a time.
package final class ZstdCompressor {
    private let context: OpaquePointer

    /// A compressor; `level` is libzstd's, 1 (fast) to 19 (small). Packs use 1: against 3 it takes three fifths of the
    /// time for frames about 7 % larger. Throws `outOfMemory` or `failed`.
    package init(level: Int = 1) throws(ZstdFault) {
        guard let context = ZSTD_createCCtx() else { throw .outOfMemory }
        self.context = context
        try check(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(clamping: level)))
        try check(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1))
    }

    deinit { ZSTD_freeCCtx(context) }

    /// One frame that holds `bytes`. Throws `failed`.
    package func compress(_ bytes: UnsafeRawBufferPointer) throws(ZstdFault) -> [UInt8] {
        var code = 0
        let frame = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { room, count in
            code = ZSTD_compress2(context, room.baseAddress, room.count, bytes.baseAddress, bytes.count)
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        try check(code)
        return frame
    }

    /// Throws what a return code of libzstd says.
    private func check(_ code: Int) throws(ZstdFault) {
        guard ZSTD_isError(code) == 0 else { throw .failed(String(cString: ZSTD_getErrorName(code))) }
    }
}
