// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// Where a store answers, and how it wants its buckets named. (contracts: address forms)
package struct S3Endpoint: Hashable, Sendable {
    /// Whether TLS is spoken.
    package let isSecure: Bool
    /// Host as it stands in a URL, with the port unless it is the scheme's.
    package let authority: String
    /// Region that signatures name.
    package let region: String
    /// Whether the bucket is the first part of the path; otherwise it is the first part of the host's name.
    package let usesPathStyle: Bool

    /// A store at a URL such as `https://storage.example.com:9000`, without path, query and credentials.
    package init(url: String, region: String, usesPathStyle: Bool) throws(S3EndpointProblem) {
        let parsed: OutboundURL
        do {
            parsed = try OutboundURL(url)
        } catch {
            throw .url(error)
        }
        let afterScheme = url.dropFirst(parsed.isSecure ? 8 : 7)
        guard afterScheme.drop(while: { $0 != "/" && $0 != "?" }).allSatisfy({ $0 == "/" }) else { throw .path }
        guard (1...60).contains(region.utf8.count), region.utf8.allSatisfy(Self.isRegionByte) else {
            throw .region(region)
        }
        let isAddress = parsed.host.contains(":") || parsed.host.allSatisfy { $0.isNumber || $0 == "." }
        guard usesPathStyle || !isAddress else { throw .virtualHostOfAddress(parsed.host) }
        let host = parsed.host.contains(":") ? "[\(parsed.host)]" : parsed.host
        isSecure = parsed.isSecure
        authority = parsed.port == (parsed.isSecure ? 443 : 80) ? host : "\(host):\(parsed.port)"
        self.region = region
        self.usesPathStyle = usesPathStyle
    }

    /// The public endpoint of a store's vendor in a region.
    package init(_ store: ObjectStoreKind, region: String) throws(S3EndpointProblem) {
        let host =
            switch store {
            case .s3: "s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
            case .oss: "s3.oss-\(region).aliyuncs.com"
            case .tos: "tos-s3-\(region).volces.com"
            }
        try self.init(url: "https://\(host)", region: region, usesPathStyle: false)
    }

    /// Value of the `Host` field for requests to a bucket.
    func host(bucket: String) -> String { usesPathStyle ? authority : "\(bucket).\(authority)" }

    /// Encoded path of a key in a bucket; of the bucket itself for an empty key.
    func path(bucket: String, key: String) -> String {
        usesPathStyle ? "/\(bucket)" + (key.isEmpty ? "" : "/" + S3Encoding.path(key)) : "/" + S3Encoding.path(key)
    }

    /// Scheme, colon and two slashes.
    var scheme: String { isSecure ? "https://" : "http://" }

    private static func isRegionByte(_ byte: UInt8) -> Bool {
        (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
            || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || byte == UInt8(ascii: "-")
    }
}

/// Why a store cannot be where it was said to be.
package enum S3EndpointProblem: Error, Hashable, Sendable {
    /// No URL that this service calls.
    case url(OutboundURLProblem)
    /// Something after the host.
    case path
    /// No name that a region can have.
    case region(String)
    /// Bucket names cannot stand before an IP address.
    case virtualHostOfAddress(String)

    /// What is wrong and the way out, to follow "The endpoint ".
    package var message: String {
        switch self {
        case .url(let problem): problem.message
        case .path: "must end after host and port: the bucket and the prefix are settings of their own"
        case .region(let region):
            "has the region \"\(region.prefix(60))\", but a region has small letters, digits and hyphens only, such as "
                + "us-east-1"
        case .virtualHostOfAddress(let host):
            "is the address \(host), before which no bucket name can stand: turn path_style on"
        }
    }
}
