// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Curl

@Suite struct AddressAllowListTests {
    private func fault(_ text: String) -> AddressAllowList.Fault? {
        do throws(AddressAllowList.Fault) {
            _ = try AddressAllowList(parsing: text)
            return nil
        } catch {
            return error
        }
    }

    private func address(_ text: String) throws -> [UInt8] { try #require(AddressBlock.address(text)) }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
        ("10.0.0.0/8", "10.1.2.3", "10.9.9.9", "9.255.255.255"),
        ("10.128.0.0/9", "10.128.0.0", "10.255.0.1", "10.127.255.255"),
        ("192.168.1.4/30", "192.168.1.4", "192.168.1.7", "192.168.1.8"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255", "::"), ("fd00::/8", "fd00::5", "fdff::1", "fe00::"),
        ("::1", "::1", "::1", "::2"), ("fe80::/10", "fe80::", "febf::1", "fec0::"),
        ("::/0", "::", "ff02::1", "1.2.3.4"),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "::ffff:10.0.0.0", "10.1.2.3"),
    ])
    func `a block allows its addresses and no other`(
        block: String, first: String, last: String, other: String
    ) throws {
        let list = try AddressAllowList(parsing: block)
        #expect(list.allows(address: try address(first)))
        #expect(list.allows(address: try address(last)))
        #expect(!list.allows(address: try address(other)))
        #expect(!list.allows(address: []))
    }

    @Test func `names are allowed exactly, domains with what lies in them`() throws {
        let list = try AddressAllowList(parsing: "Hooks.Internal., .corp.example\n10.0.0.0/8")
        #expect(list.allows(host: "hooks.internal"))
        #expect(list.allows(host: "a.corp.example"))
        #expect(list.allows(host: "a.b.corp.example"))
        for host in ["corp.example", "xhooks.internal", "hooks.internal.example", "acorp.example", "10.0.0.1", ""] {
            #expect(!list.allows(host: host))
        }
        #expect(list.description == "hooks.internal,.corp.example,10.0.0.0/8")
    }

    @Test func `an empty text allows nothing`() throws {
        for text in ["", " ", ",", " , \n"] { #expect(try AddressAllowList(parsing: text) == .none) }
        #expect(AddressAllowList.none.isEmpty)
    }

    @Test(arguments: [
        ("10.0.0.0/33", "prefix length of 0 to 32"), ("10.0.0.0/", "prefix length"), ("10.0.0.0/+8", "prefix length"),
        ("10.0.0.0/8/8", "prefix length"), ("::/129", "prefix length of 0 to 128"), ("10.0.0.5/8", "write 10.0.0.0/8"),
        ("fd00::1/8", "write fd00::/8"), ("10/8", "no block of addresses"), ("10.0.0/24", "no block of addresses"),
        ("hooks.internal:8080", "without a port"), ("http://hooks.internal", "no block of addresses"),
        ("[::1]", "no block of addresses"), ("fe80::1%lo", "no block of addresses"), ("127.1", "looks like an address"),
        ("2130706433", "looks like an address"), ("0x7f.0x1", "looks like an address"), ("1.2.3.256", "looks like"),
        ("*.internal", "is neither"), ("*", "is neither"), ("a..b", "is neither"), (".", "is neither"),
        ("b\u{FC}cher.example", "is neither"), ("me@host", "is neither"),
    ])
    func `an entry that cannot be read is named`(entry: String, reason: String) throws {
        let found = try #require(fault("10.0.0.0/8,\(entry)"))
        #expect(found.entry == entry)
        #expect(found.message.hasPrefix("\"\(entry)\" "))
        #expect(found.message.contains(reason), "\(found.message)")
    }
}

@Suite struct GuardedURLTests {
    @Test(arguments: [
        ("http://Hooks.Internal./x", "hooks.internal"), ("HTTPS://hooks.internal:1/", "hooks.internal"),
        ("http://2130706433/", "127.0.0.1"), ("http://0x7f.1/", "127.0.0.1"), ("http://017700000001/", "127.0.0.1"),
        ("http://%6cocalhost/", "localhost"), ("http://[::1]:8/", "[::1]"),
    ])
    func `the host is the one that libcurl looks up`(url: String, host: String) throws {
        #expect(try GuardedURL.host(of: url) == host)
    }

    @Test(arguments: [
        "http://me@a.example/", "http://me:pw@a.example/", "http://:pw@a.example/", "http://@a.example/",
        "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "a.example", "", "http://", "http:///",
        "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://./", "http://a\r\nb/", "http://a%0d%0ab/",
    ])
    func `a URL that no user may give is refused`(url: String) {
        let error = #expect(throws: CurlError.self) { try GuardedURL.host(of: url) }
        #expect(error?.code == .badURL)
    }

    @Test(arguments: [
        ("http://127.0.0.1/x", false), ("http://localhost:9/", false), ("http://a.localhost./", false),
        ("http://[::1]/", false), ("http://2130706433/", false), ("http://[::ffff:10.0.0.1]/", false),
        ("http://10.1.2.3/", true), ("http://hooks.internal/", true), ("https://example.com/x", true),
        ("https://93.184.215.14/", true), ("ftp://example.com/", false), ("http://user@example.com/", false),
    ])
    func `what the text of a URL tells is known before anything is dialled`(url: String, mayDial: Bool) throws {
        let allowed = try AddressAllowList(parsing: "10.1.0.0/16,hooks.internal")
        #expect(AddressRule.publicOnly(allowing: allowed).mayDial(url) == mayDial)
        #expect(AddressRule.any.mayDial(url))
    }
}
