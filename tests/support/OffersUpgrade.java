import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Post a job, a photo and a job whose length is unknown, each by a new client that offers HTTP/2; print each answer. */
class OffersUpgrade {
    private static final String HEAD =
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n";

    public static void main(String[] words) throws Exception {
        var service = URI.create(words[0]);
        var photo = Files.readAllBytes(Path.of(words[1]));
        var job = BodyPublishers.ofString("{\"steps\": 7, \"seed\": 1}");
        var form = BodyPublishers.ofByteArrays(List.of(HEAD.getBytes(), photo, "\r\n--x--\r\n".getBytes()));
        post(service.resolve("/jobs/mnist-train"), "application/json", job);
        post(service.resolve("/classify"), "multipart/form-data; boundary=x", form);
        post(service.resolve("/jobs/mnist-train"), "application/json", BodyPublishers.fromPublisher(job));
    }

    private static void post(URI address, String type, BodyPublisher body) throws Exception {
        var request = HttpRequest.newBuilder(address).header("Content-Type", type).POST(body).build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
