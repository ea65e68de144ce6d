// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Testing

@Suite struct OutboundURLTests {
    private func problem(_ text: String) -> OutboundURLProblem? {
        do throws(OutboundURLProblem) {
            _ = try OutboundURL(text)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("https://hooks.example/batch?x=%20y&z=[1]", true, "hooks.example", 443),
        ("http://hooks.example", false, "hooks.example", 80),
        ("HTTP://Hooks.EXAMPLE:8080/", false, "hooks.example", 8_080),
        ("https://hooks.example.:65535?q", true, "hooks.example", 65_535),
        ("http://192.0.2.7:1/", false, "192.0.2.7", 1),
        ("http://[2001:DB8::7]/x", false, "2001:db8::7", 80),
        ("http://[::ffff:127.0.0.1]:81/", false, "::ffff:127.0.0.1", 81),
        ("http://[1:2:3:4:5:6:7:8]", false, "1:2:3:4:5:6:7:8", 80),
        ("http://[::]/", false, "::", 80), ("http://[1::]/", false, "1::", 80),
        ("https://xn--bcher-kva.example/a@b:c", true, "xn--bcher-kva.example", 443),
        ("http://under_score.example/", false, "under_score.example", 80),
        ("http://localhost:99/", false, "localhost", 99), ("http://1password.example/", false, "1password.example", 80),
        ("http://0x7f.example/", false, "0x7f.example", 80),
    ])
    func `a URL in its usual form is read`(text: String, isSecure: Bool, host: String, port: UInt16) throws {
        let url = try OutboundURL(text)
        #expect(url.isSecure == isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.description == text)
    }

    @Test(arguments: [
        "2130706433", "0x7f.1", "0x7f000001", "017700000001", "127.1", "127.0.1", "127.0.0.01", "127.0.0.256",
        "127.0.0.1.", "1.2.3.4.5", "0", "0x", "1.0X1", "a..b", ".", "..", "-%31", "%31", "127.0.0.1%2e",
        "[::1%25lo]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[]", "[::1", "[:1]", "[1:]", "[:::]", "[1::2::3]",
        "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7::8]", "[::12345]", "[::127.0.0.1.]",
        "[127.0.0.1]", "[127.0.0.1::]", "[v1.x]", "[::1]x", "a,b", "a;b", "a!b", "a$b", "a'b", "a*b", "(a)", "a+b",
        "a=b", "a&b", String(repeating: "a", count: 64) + ".example",
    ])
    func `a host in an unusual form is refused`(host: String) throws {
        let found = try #require(problem("http://\(host)/"))
        switch found {
        case .host, .escape: break
        default: Issue.record("\(found)")
        }
    }

    @Test(arguments: [
        ("", OutboundURLProblem.empty), ("ftp://a.example/", .scheme), ("file:///etc/passwd", .scheme),
        ("gopher://a.example/", .scheme), ("a.example/x", .scheme), ("//a.example/", .scheme),
        ("https:/a.example/", .scheme), ("https:a.example", .scheme), ("httpss://a.example", .scheme),
        ("http//a.example", .scheme), ("http", .scheme), ("javascript:alert(1)", .scheme),
        ("http://", .noHost), ("http:///x", .noHost), ("http://?x", .noHost), ("http://:80/", .noHost),
        ("http://me@a.example/", .credentials), ("http://me:pw@a.example/", .credentials),
        ("http://@a.example/", .credentials), ("http://a.example:80@127.0.0.1/", .credentials),
        ("http://a.example/#x", .fragment), ("http://a.example#@127.0.0.1/", .fragment),
        ("http://a.example:/", .port("")), ("http://a.example:0/", .port("0")),
        ("http://a.example:65536/", .port("65536")), ("http://a.example:+80/", .port("+80")),
        ("http://a.example:80:81/", .port("80:81")), ("http://a.example:000080/", .port("000080")),
        ("http://[::1]:x/", .port("x")),
        (" http://a.example/", .character(0x20, at: 0)), ("http://a.example/ b", .character(0x20, at: 17)),
        ("http://a.example/\r\nHost: b", .character(0x0D, at: 17)), ("http://a.example/\0", .character(0, at: 17)),
        ("http://a.example\\@127.0.0.1/", .character(0x5C, at: 16)),
        ("http://a.example/\u{7F}", .character(0x7F, at: 17)),
        ("http://\u{FF11}\u{FF12}7.0.0.1/", .character(0xEF, at: 7)),
        ("http://b\u{FC}cher.example/", .character(0xC3, at: 8)),
        ("http://a\u{3002}example/", .character(0xE3, at: 8)), ("http://a.example/{x}", .character(0x7B, at: 17)),
        ("http://a.example/%", .escape(at: 17)), ("http://a.example/%2", .escape(at: 17)),
        ("http://a.example/%zz", .escape(at: 17)),
    ])
    func `what is no URL to call is refused with its reason`(text: String, expected: OutboundURLProblem) {
        #expect(problem(text) == expected)
    }

    @Test func `the longest URL is read and one byte more is not`() {
        let start = "https://a.example/"
        let longest = start + String(repeating: "x", count: OutboundURL.bytesMax - start.utf8.count)
        #expect(problem(longest) == nil)
        #expect(problem(longest + "x") == .tooLong(bytes: 2_049, max: 2_048))
        // The address of a file may be longer: permissions with tokens are.
        let object = start + String(repeating: "x", count: OutboundURL.objectBytesMax - start.utf8.count)
        #expect((try? ObjectAddress(object)) != nil)
        #expect(throws: ObjectAddressProblem.url(.tooLong(bytes: 8_193, max: 8_192))) {
            try ObjectAddress(object + "x")
        }
    }

    @Test func `messages say what is wrong and the way out`() {
        #expect(
            problem("http://a b/")?.message == "has a space at offset 8: write it %20")
        #expect(problem("x")?.message == "must begin with https:// or http://")
        #expect(problem("http://127.1/")?.message.contains("names the host \"127.1\"") == true)
        #expect(problem("http://a.example:0/")?.message == "has the port \"0\", which is no number from 1 to 65535")
        #expect(problem("http://\u{FF11}/")?.message.contains("xn--") == true)
    }
}
