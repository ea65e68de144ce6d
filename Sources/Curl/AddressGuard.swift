// SPDX-License-Identifier: Apache-2.0
import CLibcurl
import Glibc

/// Tells public internet addresses from those a user must not make this service talk to.
///
/// The engine asks at the moment of connecting, about the address really dialled, so a name that changes its
/// address between check and use gains nothing.
package enum AddressGuard {
    /// Whether an address is public. Unknown forms are not.
    ///
    /// - Parameter bytes: 4 bytes of IPv4 or 16 of IPv6, in network order.
    package static func isPublic(_ bytes: [UInt8]) -> Bool {
        switch bytes.count {
        case 4: isPublicIPv4(bytes)
        case 16: isPublicIPv6(bytes)
        default: false
        }
    }

    /// Blocks of the IANA IPv4 special-purpose registry (RFC 6890 and successors) plus multicast and class E.
    private static let refusedIPv4: [Block] = [
        Block([0], 8),  // this network
        Block([10], 8),  // private
        Block([100, 64], 10),  // shared by carriers
        Block([127], 8),  // loopback
        Block([169, 254], 16),  // link-local, cloud metadata
        Block([172, 16], 12),  // private
        Block([192, 0, 0], 24),  // protocol assignments
        Block([192, 0, 2], 24),  // documentation
        Block([192, 31, 196], 24),  // AS112
        Block([192, 52, 193], 24),  // multicast tunnelling
        Block([192, 88, 99], 24),  // 6to4 relays
        Block([192, 168], 16),  // private
        Block([192, 175, 48], 24),  // AS112
        Block([198, 18], 15),  // benchmarks
        Block([198, 51, 100], 24),  // documentation
        Block([203, 0, 113], 24),  // documentation
        Block([224], 4),  // multicast
        Block([240], 4),  // reserved, broadcast
    ]

    /// Parts of the global unicast space 2000::/3 that are not public; all outside it is refused anyway, which
    /// covers loopback, mapped and compatible IPv4, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only 100::/64,
    /// unique local fc00::/7, link-local fe80::/10, site-local fec0::/10 and multicast ff00::/8.
    private static let refusedIPv6: [Block] = [
        Block([0x20, 0x01, 0x00], 23),  // protocol assignments: Teredo, ORCHID, benchmarks and more
        Block([0x20, 0x01, 0x0D, 0xB8], 32),  // documentation
        Block([0x20, 0x02], 16),  // 6to4, which carries an IPv4 address
        Block([0x26, 0x20, 0x00, 0x4F, 0x80, 0x00], 48),  // AS112
        Block([0x3F, 0xFE], 16),  // the former 6bone
        Block([0x3F, 0xFF, 0x00], 20),  // documentation
    ]

    private static func isPublicIPv4(_ bytes: [UInt8]) -> Bool {
        !refusedIPv4.contains { $0.contains(bytes) }
    }

    private static func isPublicIPv6(_ bytes: [UInt8]) -> Bool {
        guard Block([0x20], 3).contains(bytes) else { return false }
        // An interface identifier of ISATAP (RFC 5214) carries an IPv4 address that a tunnel would deliver to.
        if bytes[8] & 0xFC == 0, bytes[9] == 0, bytes[10] == 0x5E, bytes[11] == 0xFE { return false }
        return !refusedIPv6.contains { $0.contains(bytes) }
    }

    /// A prefix of so many bits.
    private struct Block: Sendable {
        let prefix: [UInt8]
        let bits: Int

        init(_ prefix: [UInt8], _ bits: Int) {
            self.prefix = prefix
            self.bits = bits
        }

        func contains(_ bytes: [UInt8]) -> Bool {
            for bit in stride(from: 0, to: bits, by: 8) {
                let mask = bits - bit >= 8 ? 0xFF : ~(0xFF as UInt8 >> UInt8(bits - bit))
                let index = bit / 8
                let expected = index < prefix.count ? prefix[index] : 0
                if bytes[index] & mask != expected & mask { return false }
            }
            return true
        }
    }

    /// Address bytes libcurl is about to dial; nil for families other than IPv4 and IPv6.
    static func bytes(of address: UnsafePointer<curl_sockaddr>) -> [UInt8]? {
        // libcurl's structure ends in as many address bytes as `addrlen` says, more than `sockaddr` declares.
        guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
        let raw = UnsafeRawBufferPointer(
            start: UnsafeRawPointer(address) + offset, count: Int(address.pointee.addrlen))
        switch (address.pointee.family, raw.count) {
        case (AF_INET, MemoryLayout<sockaddr_in>.size...): return Array(raw[4..<8])
        case (AF_INET6, MemoryLayout<sockaddr_in6>.size...): return Array(raw[8..<24])
        default: return nil
        }
    }
}
