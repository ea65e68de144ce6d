// SPDX-License-Identifier: Apache-2.0

/// Why zstd bytes could not be made or read.
package enum ZstdFault: Error, Equatable, Sendable {
    /// libzstd could not get the memory for a context.
    case outOfMemory
    /// libzstd refused a setting or could not compress; its own words.
    case failed(String)
    /// The bytes are not one whole, undamaged zstd frame; libzstd's own words or what is wrong with the frame.
    case corrupt(String)
    /// The frame says it holds, or turned out to hold, more than `bytesMax` bytes.
    case tooLarge(bytesMax: Int)
}
