// SPDX-License-Identifier: Apache-2.0

internal import CZstd

/// Reads single zstd frames (RFC 8878) up to a size the caller names, whatever the frame claims; one user at a time.
package final class ZstdDecompressor {
    /// libzstd's answers to "how large is the content" that are no size.
    private static let sizeUnknown = UInt64.max
    private static let sizeError = UInt64.max - 1
    /// How much room a frame of unknown size gets at first, in bytes.
    private static let firstRoom = 1 << 16

    private let context: OpaquePointer

    /// A decompressor. Throws `outOfMemory`.
    package init() throws(ZstdFault) {
        guard let context = ZSTD_createDCtx() else { throw .outOfMemory }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// The content of the one frame that is `frame`.
    ///
    /// Throws `tooLarge` when the content is more than `bytesMax` bytes, `corrupt` for anything that is not exactly one
    /// undamaged frame. Memory: the content, and at most about as much again for a frame that does not state its size.
    package func decompress(_ frame: UnsafeRawBufferPointer, bytesMax: Int) throws(ZstdFault) -> [UInt8] {
        let frameBytes = ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)
        guard ZSTD_isError(frameBytes) == 0 else { throw .corrupt(Self.name(frameBytes)) }
        guard frameBytes == frame.count else { throw .corrupt("\(frame.count - frameBytes) bytes follow the frame") }
        let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
        guard size != Self.sizeError else { throw .corrupt("not a zstd frame") }
        if size == Self.sizeUnknown { return try decompressUnsized(frame, bytesMax: bytesMax) }
        guard let room = Int(exactly: size), room <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
        var code = 0
        let content = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            code = ZSTD_decompressDCtx(context, buffer.baseAddress, room, frame.baseAddress, frame.count)
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        guard ZSTD_isError(code) == 0 else { throw .corrupt(Self.name(code)) }
        guard code == room else { throw .corrupt("the frame states another size than it has") }
        return content
    }

    /// Reads a frame that does not state its size, in growing room.
    private func decompressUnsized(_ frame: UnsafeRawBufferPointer, bytesMax: Int) throws(ZstdFault) -> [UInt8] {
        var content: [UInt8] = []
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        // The window is memory that the frame asks for; 8 MiB serve every level without long-distance search,
        // and beyond that a window larger than the content may be serves no honest frame.
        let log = Int32(Int.bitWidth - max(1, bytesMax - 1).leadingZeroBitCount)
        _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, min(27, max(23, log)))
        var input = ZSTD_inBuffer(src: frame.baseAddress, size: frame.count, pos: 0)
        var code = 1
        while code != 0 {
            // One byte more than allowed shows a frame that goes on.
            guard content.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
            let room = min(max(Self.firstRoom, content.count), bytesMax - content.count + 1)
            let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: room, pos: 0)
                code = ZSTD_decompressStream(context, &output, &input)
                count = output.pos
            }
            guard ZSTD_isError(code) == 0 else { throw .corrupt(Self.name(code)) }
            guard code == 0 || !piece.isEmpty || input.pos < input.size else { throw .corrupt("the frame ends early") }
            content += piece
        }
        guard content.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
        return content
    }

    /// libzstd's words for an error code.
    private static func name(_ code: Int) -> String { String(cString: ZSTD_getErrorName(code)) }
}
