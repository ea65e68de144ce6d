// SPDX-License-Identifier: Apache-2.0

/// What a job is run on: `ModelReference`. (contracts: Ark create request)
package enum ArkModel: Hashable, Sendable {
    /// A model of the vendor's by name and version, such as `doubao-pro-32k` and `240615`.
    case foundation(name: String, version: String)
    /// A model of the user's own.
    case custom(id: String)
}
