<?php
// Everything comes from the environment; the address is the one that the browser asked for.
define('DB_HOST', getenv('WORDPRESS_DB_HOST') ?: 'db');
define('DB_NAME', getenv('WORDPRESS_DB_NAME') ?: 'wordpress');
define('DB_USER', getenv('WORDPRESS_DB_USER') ?: 'wordpress');
define('DB_PASSWORD', getenv('WORDPRESS_DB_PASSWORD') ?: '');
define('WP_CONTENT_DIR', '/var/lib/wordpress/wp-content');
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {
	$_SERVER['HTTPS'] = 'on';
}
if (isset($_SERVER['HTTP_HOST'])) {
	$scheme = isset($_SERVER['HTTPS']) ? 'https' : 'http';
	define('WP_HOME', $scheme . '://' . $_SERVER['HTTP_HOST']);
	define('WP_SITEURL', $scheme . '://' . $_SERVER['HTTP_HOST']);
}
