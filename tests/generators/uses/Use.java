// What a program in Java does with the client that openapi-generator makes.
package org.openapitools.client;

import java.io.File;
import java.util.List;
import org.openapitools.client.api.DefaultApi;
import org.openapitools.client.model.Relayed;
import org.openapitools.client.model.RequestView;
import org.openapitools.client.model.SubmissionProof;

final class Use {
  static long relay(DefaultApi api, File signed, String key, String signature) throws ApiException {
    Relayed relayed = api.relayCommand(signed, key, signature);
    Long at = relayed.getAt();
    return at;
  }

  static long submitted(RequestView request) {
    Long at = request.getSubmittedAt();
    return at;
  }

  static List<String> following(SubmissionProof proof) {
    return proof.getFollowing();
  }
}
