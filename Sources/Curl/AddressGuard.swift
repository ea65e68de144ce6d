// SPDX-License-Identifier: Apache-2.0
import CLibcurl
import Glibc

/// Tells public internet addresses from those a user must not make this service talk to.
///
/// The engine asks at the moment of connecting, for requests whose `AddressRule` demands it.
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
    private static let refusedIPv4: [AddressBlock] = [
        AddressBlock(ipv4: [0], 8),  // this network
        AddressBlock(ipv4: [10], 8),  // private
        AddressBlock(ipv4: [100, 64], 10),  // shared by carriers
        AddressBlock(ipv4: [127], 8),  // loopback
        AddressBlock(ipv4: [168, 63, 129, 16], 32),  // the host of Azure machines
        AddressBlock(ipv4: [169, 254], 16),  // link-local, cloud metadata
        AddressBlock(ipv4: [172, 16], 12),  // private
        AddressBlock(ipv4: [192, 0, 0], 24),  // protocol assignments
        AddressBlock(ipv4: [192, 0, 2], 24),  // documentation
        AddressBlock(ipv4: [192, 31, 196], 24),  // AS112
        AddressBlock(ipv4: [192, 52, 193], 24),  // multicast tunnelling
        AddressBlock(ipv4: [192, 88, 99], 24),  // 6to4 relays
        AddressBlock(ipv4: [192, 168], 16),  // private
        AddressBlock(ipv4: [192, 175, 48], 24),  // AS112
        AddressBlock(ipv4: [198, 18], 15),  // benchmarks
        AddressBlock(ipv4: [198, 51, 100], 24),  // documentation
        AddressBlock(ipv4: [203, 0, 113], 24),  // documentation
        AddressBlock(ipv4: [224], 4),  // multicast
        AddressBlock(ipv4: [240], 4),  // reserved, broadcast
    ]

    /// Parts of the global unicast space 2000::/3 that are not public; all outside it is refused anyway, which
    /// covers loopback, mapped and compatible IPv4, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only 100::/64,
    /// unique local fc00::/7, link-local fe80::/10, site-local fec0::/10 and multicast ff00::/8.
    private static let refusedIPv6: [AddressBlock] = [
        AddressBlock(ipv6: [0x20, 0x01, 0x00], 23),  // protocol assignments: Teredo, ORCHID, benchmarks and more
        AddressBlock(ipv6: [0x20, 0x01, 0x0D, 0xB8], 32),  // documentation
        AddressBlock(ipv6: [0x20, 0x02], 16),  // 6to4, which carries an IPv4 address
        AddressBlock(ipv6: [0x26, 0x20, 0x00, 0x4F, 0x80, 0x00], 48),  // AS112
        AddressBlock(ipv6: [0x3F, 0xFE], 16),  // the former 6bone
        AddressBlock(ipv6: [0x3F, 0xFF, 0x00], 20),  // documentation
    ]

    private static let globalUnicast = AddressBlock(ipv6: [0x20], 3)

    private static func isPublicIPv4(_ bytes: [UInt8]) -> Bool {
        !refusedIPv4.contains { $0.contains(bytes) }
    }

    private static func isPublicIPv6(_ bytes: [UInt8]) -> Bool {
        guard globalUnicast.contains(bytes) else { return false }
        // An interface identifier of ISATAP (RFC 5214) carries an IPv4 address that a tunnel would deliver to.
        if bytes[8] & 0xFC == 0, bytes[9] == 0, bytes[10] == 0x5E, bytes[11] == 0xFE { return false }
        return !refusedIPv6.contains { $0.contains(bytes) }
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
