<?php
// The first page of @NAME@: shows that PHP runs and that the database answers.
header('Content-Type: text/plain; charset=utf-8');
echo "@NAME@ runs on PHP ", PHP_VERSION, "\n";
if (!extension_loaded('mysqli')) {
	echo "This image has no mysqli extension: see envs/@NAME@.yaml\n";
	exit;
}
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
	$db = new mysqli(getenv('DB_HOST'), getenv('DB_USER'), getenv('DB_PASSWORD'), getenv('DB_NAME'));
	echo "its database is ", $db->query('SELECT VERSION()')->fetch_row()[0], "\n";
} catch (mysqli_sql_exception $error) {
	http_response_code(503);
	echo "its database does not answer: ", $error->getMessage(), "\n";
}
