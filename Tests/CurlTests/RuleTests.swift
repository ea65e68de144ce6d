// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Curl

@Suite struct AddressGuardTests {
    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255",
    ])
    func `special IPv4 addresses are not public`(text: String) {
        #expect(!AddressGuard.isPublic(octets(text)))
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    ])
    func `ordinary IPv4 addresses up to the edges of the special blocks are public`(text: String) {
        #expect(AddressGuard.isPublic(octets(text)))
    }

    @Test(arguments: [
        [], [0, 0, 0, 0, 0, 0, 0, 1],  // unspecified, loopback
        [0, 0, 0, 0, 0, 0xFFFF, 0x0808, 0x0808], [0, 0, 0, 0, 0, 0xFFFF, 0x7F00, 1],  // mapped
        [0, 0, 0, 0, 0, 0, 0x0808, 0x0808],  // compatible
        [0x64, 0xFF9B, 0, 0, 0, 0, 0x0A00, 1], [0x64, 0xFF9B, 1],  // NAT64
        [0x100], [0x2001, 0, 0x4136], [0x2001, 0x10], [0x2001, 0x20], [0x2001, 0x1FF],  // discard, Teredo, ORCHID
        [0x2001, 0xDB8, 1], [0x2002, 0x7F00, 1], [0x2002, 0x0808, 0x0808],  // documentation, 6to4
        [0x2606, 0x4700, 0, 0, 0, 0x5EFE, 0x0A00, 1], [0x2606, 0x4700, 0, 0, 0x200, 0x5EFE, 0x0A00, 1],  // ISATAP
        [0x2620, 0x4F, 0x8000], [0x3FFE, 1], [0x3FFF, 1], [0x5F00],  // AS112, 6bone, documentation, SRv6
        [0xFC00], [0xFD12, 1], [0xFE80, 0, 0, 0, 0, 0, 0, 1], [0xFEC0], [0xFF02, 0, 0, 0, 0, 0, 0, 1],
    ])
    func `special IPv6 addresses are not public`(words: [UInt16]) {
        #expect(!AddressGuard.isPublic(bytes(words)))
    }

    @Test(arguments: [
        [0x2001, 0x200], [0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888], [0x2003, 1], [0x2606, 0x4700, 0x4700],
        [0x2A00, 0x1450], [0x2620, 0x4F], [0x3FFF, 0x1000],
    ])
    func `ordinary IPv6 addresses are public`(words: [UInt16]) {
        #expect(AddressGuard.isPublic(bytes(words)))
    }

    @Test func `bytes that are no address are not public`() {
        for count in [0, 1, 3, 5, 8, 15, 17] {
            #expect(!AddressGuard.isPublic([UInt8](repeating: 8, count: count)))
        }
    }

    private func octets(_ text: String) -> [UInt8] { text.split(separator: ".").compactMap { UInt8($0) } }

    private func bytes(_ words: [UInt16]) -> [UInt8] {
        let all = words + [UInt16](repeating: 0, count: 8 - words.count)
        return all.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
}

@Suite struct RetryAfterTests {
    @Test(arguments: [
        ("0", 0), ("120", 120), (" 7 ", 7), ("007", 7), ("99999999999999999999999", Int.max),
    ])
    func `whole seconds are read`(text: String, seconds: Int) {
        #expect(RetryAfter(parsing: text) == .seconds(seconds))
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2028 23:59:59 GMT", 1_835_481_599), ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ])
    func `the three forms of an HTTP date are read`(text: String, moment: Int) {
        #expect(RetryAfter(parsing: text) == .date(unixSeconds: moment))
    }

    @Test(arguments: [
        "", " ", "-5", "+5", "1.5", "5s", "1e3", "0x10", "soon", "1994-11-06T08:49:37Z", "06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 06 Nov 199 08:49:37 GMT", "\u{0661}",
    ])
    func `anything else is no wish at all`(text: String) {
        #expect(RetryAfter(parsing: text) == nil)
    }

    @Test func `an answer knows its wish`() {
        let response = HTTPResponse(status: 429, headers: ["retry-after": "3"])
        #expect(response.retryAfter == .seconds(3))
        #expect(HTTPResponse(status: 429).retryAfter == nil)
    }
}

@Suite struct TransferClockTests {
    private let limits = Timeouts(connect: .seconds(1), firstByte: .seconds(10), idle: .seconds(2), total: .seconds(60))
    private func at(_ milliseconds: UInt64) -> UInt64 { milliseconds * 1_000_000 }

    @Test func `while waiting only the total limit counts`() {
        let clock = TransferClock(limits, bodyCount: 0, now: at(0))
        #expect(clock.verdict(at: at(59_999)) == .runs(until: at(60_000)))
        #expect(clock.verdict(at: at(60_000)) == .expired(.timeoutTotal))
    }

    @Test func `each phase has its own limit`() {
        var clock = TransferClock(limits, bodyCount: 0, now: at(0))
        clock.start(at: at(5000))
        #expect(clock.verdict(at: at(5999)) == .runs(until: at(6000)))
        #expect(clock.verdict(at: at(6000)) == .expired(.timeoutConnect))
        clock.connected(at: at(5500))
        #expect(clock.verdict(at: at(15_499)) == .runs(until: at(15_500)))
        #expect(clock.verdict(at: at(15_500)) == .expired(.timeoutFirstByte))
        clock.received(at: at(9000))
        #expect(clock.verdict(at: at(10_999)) == .runs(until: at(11_000)))
        #expect(clock.verdict(at: at(11_000)) == .expired(.timeoutIdle))
    }

    @Test func `a body is watched while it is sent, then its answer awaited`() {
        var clock = TransferClock(limits, bodyCount: 1 << 20, now: at(0))
        clock.start(at: at(0))
        clock.connected(at: at(0))
        #expect(clock.watchesSending)
        #expect(clock.verdict(at: at(0)) == .runs(until: at(500)))
        clock.sent(1000, at: at(1500))
        #expect(clock.verdict(at: at(2500)) == .runs(until: at(3000)))
        #expect(clock.verdict(at: at(3500)) == .expired(.timeoutIdle))
        clock.sent(1 << 20, at: at(3000))
        #expect(!clock.watchesSending)
        #expect(clock.verdict(at: at(12_999)) == .runs(until: at(13_000)))
        #expect(clock.verdict(at: at(13_000)) == .expired(.timeoutFirstByte))
    }

    @Test func `a pause by the consumer stops the idle limit but not the total one`() {
        var clock = TransferClock(limits, bodyCount: 0, now: at(0))
        clock.start(at: at(0))
        clock.connected(at: at(0))
        clock.received(at: at(100))
        clock.pause()
        #expect(clock.verdict(at: at(50_000)) == .runs(until: at(60_000)))
        #expect(clock.verdict(at: at(60_000)) == .expired(.timeoutTotal))
        clock.resume(at: at(50_000))
        #expect(clock.verdict(at: at(51_000)) == .runs(until: at(52_000)))
    }

    @Test func `a new connection begins anew`() {
        var clock = TransferClock(limits, bodyCount: 0, now: at(0))
        clock.start(at: at(0))
        clock.connected(at: at(100))
        clock.reconnecting(at: at(5000))
        #expect(!clock.isConnected)
        #expect(clock.verdict(at: at(6000)) == .expired(.timeoutConnect))
    }

    @Test func `without limits nothing ever runs out`() {
        let none = Timeouts(connect: nil, firstByte: nil, idle: nil, total: nil)
        var clock = TransferClock(none, bodyCount: 1 << 20, now: at(0))
        clock.start(at: at(0))
        #expect(clock.verdict(at: at(1 << 40)) == .runs(until: TransferClock.never))
        clock.connected(at: at(0))
        #expect(clock.verdict(at: at(1 << 40)) == .runs(until: TransferClock.never))
    }
}

@Suite struct HostNameTests {
    @Test(arguments: [
        ("http://a.example/path?x", "a.example:80"), ("https://a.example", "a.example:443"),
        ("http://user:pw@a.example:81/", "a.example:81"), ("https://[::1]/x", "[::1]:443"),
        ("http://[::1]:8/x", "[::1]:8"), ("nonsense", "URL"), ("http://", "URL"),
    ])
    func `messages name host and port only`(url: String, name: String) {
        #expect(HostName.describe(url) == name)
    }
}
