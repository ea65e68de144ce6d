// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchClient

struct ServerAddressTests {
    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"), ("http://h/", "http://h/v1"),
        ("https://h/v1", "https://h/v1"), ("https://h/v1//", "https://h/v1"), ("HTTP://h:1", "http://h:1/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"), ("http://[::1]", "http://[::1]/v1"),
        ("https://h/proxy", "https://h/proxy/v1"), ("https://h/compatible-mode/v1/", "https://h/compatible-mode/v1"),
    ])
    func `an address may end with v1, with a slash, or with neither`(text: String, base: String) throws {
        #expect(try ServerAddress(text).base == base)
    }

    @Test(arguments: [
        "", "h", "localhost:8080", "ftp://h", "http://", "http:///v1", "http://h:0", "http://h:99999", "http://h:x",
        "http://user:pw@h", "http://h?x=1", "http://h/a?b", "http://h/a#b", "http://h/a b", "http://a b", "http://::1",
        "http://[]", "http://[x]",
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: ServerAddress.Fault.self) { try ServerAddress(text) }
    }

    @Test func `messages show the address without v1`() throws {
        #expect(try ServerAddress("http://h:1/v1/").description == "http://h:1")
    }

    @Test func `identifiers and query values cannot leave their place`() throws {
        #expect(ServerAddress.encode("../a b/测?&=+%") == "..%2Fa%20b%2F%E6%B5%8B%3F%26%3D%2B%25")
        let address = try ServerAddress("http://h")
        #expect(
            address.url("/files", query: [("after", "a&b"), ("limit", "2")]) == "http://h/v1/files?after=a%26b&limit=2")
    }
}
