// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a pack. Packs come from our own rows, so each of these means damage or another program version.
package enum PackFault: Error, Equatable, Sendable {
    /// The first byte names a format this program does not know; its value, nil for no bytes.
    case unknownVersion(UInt8?)
    /// A record ends beyond the bytes, at this offset.
    case truncated(offset: Int)
    /// A number is too large or not written the shortest way, at this offset.
    case badNumber(offset: Int)
    /// A value that no writer writes, at this offset.
    case badValue(offset: Int)
    /// Bytes follow the last record, from this offset on.
    case trailingBytes(offset: Int)
}

extension PackFault: CustomStringConvertible {
    /// For an operator's log.
    package var description: String {
        switch self {
        case .unknownVersion(let version?): "the pack has format version \(version), which this program does not know"
        case .unknownVersion(nil): "the pack is empty"
        case .truncated(let offset): "the pack ends inside a record at byte \(offset)"
        case .badNumber(let offset): "the pack has a malformed number at byte \(offset)"
        case .badValue(let offset): "the pack has an impossible value at byte \(offset)"
        case .trailingBytes(let offset): "the pack goes on after its last record at byte \(offset)"
        }
    }
}
