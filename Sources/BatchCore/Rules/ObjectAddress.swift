// SPDX-License-Identifier: Apache-2.0

/// Where a user says that bytes are, or shall go, outside this service: an object of a store, or a URL that carries its
/// own permission. (contracts: address forms)
///
/// The text of a key is taken literally: `%20` in it is a percent sign and two digits, as every store's own tool reads
/// it. Where the store is and who may enter it is configuration and not part of an address.
package enum ObjectAddress: Hashable, Sendable, CustomStringConvertible {
    /// An object, or with a key that is empty or ends in `/` a prefix, of a store.
    case object(StoredObject)
    /// A presigned or public `http` or `https` URL, called exactly as written.
    case url(OutboundURL)

    /// Reads `s3://bucket/key`, `oss:region:bucket/key`, `oss://bucket/key`, `tos://bucket/key` or an http(s) URL.
    ///
    /// - Throws: what is wrong, in words that follow "The address ".
    package init(_ text: String) throws(ObjectAddressProblem) {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        switch scheme {
        case "http", "https":
            do {
                self = .url(try OutboundURL(text, bytesMax: OutboundURL.objectBytesMax))
            } catch {
                throw .url(error)
            }
        case "s3", "oss", "tos":
            guard let store = ObjectStoreKind(rawValue: scheme) else { throw .scheme(scheme) }
            self = .object(try StoredObject(store, text.dropFirst(scheme.count + 1)))
        default:
            throw text.isEmpty ? .empty : .scheme(text.contains(":") ? scheme : "")
        }
    }

    /// As it would be written; for a URL without its query, which may be a permission.
    package var description: String {
        switch self {
        case .object(let object): object.description
        case .url(let url): String(url.text.prefix { $0 != "?" })
        }
    }
}

/// Whose kind of store an address means. (contracts: address forms)
package enum ObjectStoreKind: String, CaseIterable, Hashable, Sendable {
    /// AWS and whoever speaks its protocol.
    case s3
    /// Aliyun OSS.
    case oss
    /// Volcengine TOS.
    case tos
}

/// A bucket and a key in it.
package struct StoredObject: Hashable, Sendable, CustomStringConvertible {
    /// Whose store.
    package let store: ObjectStoreKind
    /// The region that the address names; nil leaves it to the configuration.
    package let region: String?
    /// 3…63 small letters, digits, `-` and `.`.
    package let bucket: String
    /// At most 1,024 bytes, unencoded, without a slash in front.
    package let key: String

    /// Longest key, in bytes of UTF-8.
    package static let keyBytesMax = 1_024

    /// Whether it means everything that begins with the key.
    package var isPrefix: Bool { key.isEmpty || key.hasSuffix("/") }

    /// As it would be written.
    package var description: String {
        if let region { return "\(store.rawValue):\(region):\(bucket)/\(key)" }
        return "\(store.rawValue)://\(bucket)/\(key)"
    }

    /// An object whose parts are known.
    ///
    /// - Throws: when bucket, region or key cannot be one.
    package init(
        _ store: ObjectStoreKind, region: String? = nil, bucket: String, key: String
    ) throws(ObjectAddressProblem) {
        guard Self.isBucket(bucket) else { throw bucket.isEmpty ? .noBucket : .bucket(bucket) }
        if let region, !Self.isRegion(region) { throw .region(region) }
        guard key.utf8.count <= Self.keyBytesMax else { throw .keyTooLong(bytes: key.utf8.count) }
        guard !key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .keyCharacter }
        self.store = store
        self.region = region
        self.bucket = bucket
        self.key = key
    }

    /// Reads what follows the scheme's colon: `//bucket/key`, or for OSS `region:bucket/key`.
    fileprivate init(_ store: ObjectStoreKind, _ rest: Substring) throws(ObjectAddressProblem) {
        var rest = rest
        var region: String?
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
        } else {
            guard store == .oss, let colon = rest.firstIndex(of: ":") else { throw .form(store) }
            // Endpoint names carry the prefix, region names do not; people write both.
            let written = rest[..<colon]
            region = String(written.hasPrefix("oss-") ? written.dropFirst(4) : written)
            rest = rest[rest.index(after: colon)...]
        }
        // Bytes, for a combining mark after the slash would hide it from characters.
        let bucket = rest.utf8.prefix { $0 != UInt8(ascii: "/") }
        let key = rest.utf8.dropFirst(bucket.count + 1)
        try self.init(
            store, region: region, bucket: String(decoding: bucket, as: UTF8.self),
            key: String(decoding: key, as: UTF8.self))
    }

    private static func isBucket(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (3...63).contains(bytes.count), let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last) && !text.contains("..")
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// Becomes part of a host name, so it may not hold anything else.
    private static func isRegion(_ text: String) -> Bool {
        (1...40).contains(text.utf8.count) && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
            || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
    }
}

/// Why a text is no address of an object. `message` completes "The address …" for a person.
package enum ObjectAddressProblem: Error, Hashable, Sendable {
    /// There is nothing.
    case empty
    /// Begins with something else than a known scheme; empty when there is no colon.
    case scheme(String)
    /// A store's scheme, and then not what it wants.
    case form(ObjectStoreKind)
    /// Nothing where the bucket belongs.
    case noBucket
    /// No name that a bucket can have.
    case bucket(String)
    /// No name that a region can have.
    case region(String)
    /// More than ``StoredObject/keyBytesMax``.
    case keyTooLong(bytes: Int)
    /// A control character in the key.
    case keyCharacter
    /// An http(s) URL, but no good one.
    case url(OutboundURLProblem)

    /// What is wrong and the way out, to follow "The address ".
    package var message: String {
        switch self {
        case .empty: "is empty"
        case .scheme(""):
            "does not say where to look: write s3://bucket/key, oss:region:bucket/key, oss://bucket/key, "
                + "tos://bucket/key or an https URL"
        case .scheme(let scheme):
            "begins with \"\(scheme.prefix(20)):\"; known are s3://bucket/key, oss:region:bucket/key, "
                + "oss://bucket/key, tos://bucket/key and https URLs"
        case .form(.oss): "is written oss://bucket/key, or oss:region:bucket/key with the region"
        case .form(let store): "is written \(store.rawValue)://bucket/key, with two slashes after the colon"
        case .noBucket: "names no bucket"
        case .bucket(let bucket):
            "names the bucket \"\(bucket.prefix(80))\", but a bucket's name has 3 to 63 small letters, digits, "
                + "hyphens and dots, with a letter or digit at both ends"
        case .region(let region):
            "names the region \"\(region.prefix(50))\", but a region has small letters, digits and hyphens only, "
                + "such as cn-beijing"
        case .keyTooLong(let bytes):
            "has a key of \(bytes) bytes, more than the \(StoredObject.keyBytesMax) that stores allow"
        case .keyCharacter: "has a control character in its key"
        case .url(let problem): problem.message
        }
    }
}
