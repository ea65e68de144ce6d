// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A block of IPv4 or IPv6 addresses that share a prefix.
package struct AddressBlock: Sendable, Hashable, CustomStringConvertible {
    /// 4 bytes of IPv4 or 16 of IPv6 in network order; zero after the prefix.
    let prefix: [UInt8]
    /// Length of the prefix, 0…32 or 0…128.
    let bits: Int

    /// Why a text is no block, in a few words.
    enum Fault: Error {
        /// Neither an IPv4 nor an IPv6 address stands before the slash.
        case noAddress
        /// What stands after the slash is no length of a prefix of this kind of address.
        case prefixLength(max: Int)
        /// Bits after the prefix are set; the block it lies in is probably meant.
        case surplusBits(meant: AddressBlock)
    }

    /// A block written in code: leading bytes, as many as are not zero, and the length of the prefix.
    init(ipv4 leading: [UInt8], _ bits: Int) {
        self.init(masking: leading + [UInt8](repeating: 0, count: 4 - leading.count), bits)
    }

    /// The same for IPv6.
    init(ipv6 leading: [UInt8], _ bits: Int) {
        self.init(masking: leading + [UInt8](repeating: 0, count: 16 - leading.count), bits)
    }

    /// Reads `10.0.0.0/8`, `fd00::/8`, or a bare address, which is a block of its own.
    init(parsing text: some StringProtocol) throws(Fault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = Self.address(String(first)) else { throw .noAddress }
        var length = address.count * 8
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= length
            else { throw .prefixLength(max: length) }
            length = number
        }
        self.init(masking: address, length)
        if prefix != address { throw .surplusBits(meant: self) }
    }

    private init(masking address: [UInt8], _ bits: Int) {
        self.bits = bits
        prefix = address.enumerated().map { $1 & Self.mask(ofByte: $0, bits) }
    }

    /// Whether the address, in the form of `prefix`, lies in the block. One of the other kind does not, not even an
    /// IPv4 address written as an IPv6 one.
    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == prefix.count else { return false }
        for index in 0..<((bits + 7) / 8) where (address[index] ^ prefix[index]) & Self.mask(ofByte: index, bits) != 0 {
            return false
        }
        return true
    }

    /// `10.0.0.0/8`.
    package var description: String { "\(Self.text(of: prefix))/\(bits)" }

    /// Bytes of an address in the usual form, as `inet_pton` reads it; nil for anything else.
    static func address(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }

    /// The usual form of 4 or 16 bytes.
    static func text(of address: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(address.count == 4 ? AF_INET : AF_INET6, address, &text, socklen_t(text.count)) != nil else {
            return "unknown"
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The bits of the byte at `index` that belong to a prefix of so many bits.
    private static func mask(ofByte index: Int, _ bits: Int) -> UInt8 {
        let left = bits - index * 8
        return left >= 8 ? 0xFF : left <= 0 ? 0 : ~(0xFF >> UInt8(left))
    }
}
