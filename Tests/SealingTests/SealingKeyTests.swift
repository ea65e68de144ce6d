// SPDX-License-Identifier: Apache-2.0

import Sealing
import Testing

@Suite struct SealingKeyTests {
    private let secret = Array("a secret".utf8)

    private func key(_ texts: String...) throws -> SealingKey {
        try #require(SealingKey(texts.joined(separator: ", ")))
    }

    @Test func `a secret comes back for its own context only`() throws {
        let key = try key(SealingKey.randomText())
        let sealed = try key.seal(secret, context: "a")
        #expect(try key.open(sealed, context: "a") == secret)
        #expect(throws: SealingFault.damaged) { try key.open(sealed, context: "b") }
        #expect(try key.seal(secret, context: "a") != sealed)
    }

    @Test func `no byte can be changed, removed or added`() throws {
        let key = try key(SealingKey.randomText())
        let sealed = try key.seal(secret, context: "a")
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: SealingFault.self) { try key.open(changed, context: "a") }
        }
        for count in 0..<sealed.count {
            #expect(throws: SealingFault.self) { try key.open(Array(sealed.prefix(count)), context: "a") }
        }
        #expect(throws: SealingFault.damaged) { try key.open(sealed + [0], context: "a") }
    }

    @Test func `an old key still opens, and a foreign one is named as such`() throws {
        let (old, new) = (SealingKey.randomText(), SealingKey.randomText())
        let sealed = try key(old).seal(secret, context: "a")
        #expect(try key(new, old).open(sealed, context: "a") == secret)
        #expect(throws: SealingFault.unknownKey) { try key(new).open(sealed, context: "a") }
        let renewed = try key(new, old).seal(secret, context: "a")
        #expect(throws: SealingFault.unknownKey) { try key(old).open(renewed, context: "a") }
    }

    @Test(arguments: ["", ",", "AAAA", "not base64", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"])
    func `what is no key is refused`(text: String) {
        #expect(SealingKey(text) == nil)
    }
}
