// SPDX-License-Identifier: Apache-2.0

/// Who asks a store. Its description hides the secret parts.
package struct S3Credentials: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Access key id; travels in clear.
    package var accessKey: String
    /// Secret access key; never travels.
    package var secretKey: String
    /// Goes with temporary credentials; nil with lasting ones.
    package var sessionToken: String?

    /// A pair of keys, with a token when it is temporary.
    package init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// The access key id, and whether there is a token.
    package var description: String { "\(accessKey) (secret hidden\(sessionToken == nil ? "" : ", with a token"))" }

    /// As ``description``: a dump of a structure must not show the secret either.
    package var debugDescription: String { description }
}
