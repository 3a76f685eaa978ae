<?php
// The best customers of the shop, out of the seeded database; the query's result is cached.
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

$cache = new Memcached();
$cache->addServer(getenv('CACHE_HOST'), 11211);
$rows = $cache->get('best-customers');
$hit = $cache->getResultCode() === Memcached::RES_SUCCESS;
$cache->add('hits', 0);
$cache->add('misses', 0);
$cache->increment($hit ? 'hits' : 'misses');

$db = new mysqli(getenv('DB_HOST'), getenv('DB_USER'), getenv('DB_PASSWORD'), 'shop');
if (!$hit) {
	$rows = $db->query(
		'SELECT c.id, c.name, c.city, COUNT(DISTINCT o.id) AS orders,
			SUM(l.quantity * p.price_cents) AS cents
		FROM customers c
		JOIN orders o ON o.customer_id = c.id
		JOIN order_lines l ON l.order_id = o.id
		JOIN products p ON p.id = l.product_id
		WHERE c.id <= 1000
		GROUP BY c.id ORDER BY cents DESC, c.id LIMIT 20'
	)->fetch_all(MYSQLI_ASSOC);
	$cache->set('best-customers', $rows, 60);
}
$count = $db->query(
	'SELECT (SELECT COUNT(*) FROM customers) + (SELECT COUNT(*) FROM products)
		+ (SELECT COUNT(*) FROM orders) + (SELECT COUNT(*) FROM order_lines)'
)->fetch_row()[0];
?>
<!doctype html>
<meta charset="utf-8">
<title>Shop</title>
<h1>Best customers</h1>
<p><?= number_format((float)$count) ?> rows in the database;
cache: <?= (int)$cache->get('hits') ?> hits, <?= (int)$cache->get('misses') ?> misses.</p>
<table>
<tr><th>Customer<th>City<th>Orders<th>Total</tr>
<?php foreach ($rows as $row): ?>
<tr><td><?= htmlspecialchars($row['name']) ?><td><?= htmlspecialchars($row['city']) ?><td><?=
	(int)$row['orders'] ?><td><?= number_format($row['cents'] / 100, 2) ?></tr>
<?php endforeach ?>
</table>
