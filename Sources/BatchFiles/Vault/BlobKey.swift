// SPDX-License-Identifier: Apache-2.0

/// The names of blobs: 32 hexadecimal digits, of which the first two are the bucket.
enum BlobKey {
    /// A key that nobody has.
    static func fresh() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in digits(ofBucket: UInt8.random(in: .min ... .max, using: &generator)) }.joined()
    }

    /// Two digits in lower case.
    static func digits(ofBucket bucket: UInt8) -> String { (bucket < 16 ? "0" : "") + String(bucket, radix: 16) }

    /// A key is 32 hexadecimal digits and nothing else: it can never lead out of the vault.
    static func isKey(_ text: String) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy { figures.contains($0) || letters.contains($0) }
    }

    private static let figures = UInt8(ascii: "0")...UInt8(ascii: "9")
    private static let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
}
